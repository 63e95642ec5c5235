// Written for a platform that hands the payload over as base64 text.
function Decoder(payload, port) {
  var raw = Buffer.from(payload, "base64");
  var same = atob(payload).length === raw.length;
  return { rain: raw.readUInt16BE(0), same: same, hex: raw.toString("hex") };
}
