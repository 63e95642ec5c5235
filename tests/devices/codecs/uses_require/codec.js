var Buffer = require("buffer").Buffer;
console.log("loaded");
function Decoder(bytes) {
  return { level: Buffer.from(bytes).readUInt16LE(0) };
}
