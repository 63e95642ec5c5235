function decodeUplink(input) {
  if (input.bytes[0] === 1) throw "frame type 1 is not supported";
  if (input.bytes[0] === 2) throw new TypeError("frame type 2");
  if (input.bytes[0] === 3) return input.missing.field;
  return { data: { level: 1 } };
}
