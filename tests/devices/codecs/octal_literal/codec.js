function Decoder(bytes, port) {
  var mask = 017;
  return { level: bytes[0] & mask };
}
