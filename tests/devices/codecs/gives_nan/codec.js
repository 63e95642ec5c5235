function decodeUplink(input) {
  var b = input.bytes;
  return { data: { level: (b[0] << 8 | b[1]) / 100, battery: b[2] / 10, ratio: 1 / b[0], other: b[9] * 2, none: undefined } };
}
