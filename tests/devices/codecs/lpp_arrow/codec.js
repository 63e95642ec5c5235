const TYPES = { 0: [1, "digital_in", 1, false], 2: [2, "analog_in", 100, true], 103: [2, "temperature", 10, true], 130: [2, "distance", 1000, false] };
const toNumber = (bytes, signed) => {
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return signed && bytes[0] & 0x80 ? value - 2 ** (8 * bytes.length) : value;
};
var decodeUplink = input => {
  const data = {};
  for (let bytes = [...input.bytes]; bytes.length; ) {
    const [channel, type] = bytes.splice(0, 2);
    const [size, name, divisor, signed] = TYPES[type] || [];
    if (!size) throw new Error(`unknown LPP type ${type}`);
    data[`${name}_${channel}`] = toNumber(bytes.splice(0, size), signed) / divisor;
  }
  return { data };
};
