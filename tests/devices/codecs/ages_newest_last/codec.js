function decodeUplink(input) {
  var levels = [];
  for (var i = 0; i + 1 < input.bytes.length; i += 2) levels.push(input.bytes[i] << 8 | input.bytes[i + 1]);
  return { data: { levels: levels } };
}
