function decodeFrame(bytes) {
  return { flow: ((bytes[0] << 8) | bytes[1]) / 100, alarm: !!(bytes[2] & 1) };
}

if (typeof module !== "undefined" && module.exports) {
  module.exports = {
    decodeUplink: function (input) { return { data: decodeFrame(input.bytes) }; },
    encodeDownlink: function () { return { bytes: [] }; },
  };
}
exports.VERSION = 1;
