function decodeUplink(input) {
  if (input.fPort !== 15) return { errors: ["Unknown FPort: please use fPort 15"] };
  if (input.bytes.length != 8) {
    return { errors: ["Invalid uplink payload: length is not 8 byte"], warnings: [] };
  }
  let level = (input.bytes[3] << 8) | input.bytes[4];
  if (input.bytes[3] & 0x80) level = level - 0x10000;
  return { data: { level: level, batteryVoltage: +(input.bytes[7] * 0.1).toFixed(1) }, warnings: ["uncalibrated"], errors: [] };
}
