function decodeUplink(input) {
  var i = 0;
  while (i < input.bytes.length) {
    if (input.bytes[i] === 1) i++;
  }
  return { data: { level: i } };
}
