import { Buffer } from "buffer";
import * as ieee754 from 'ieee754'
import { toByteArray as bytesOf } from "base64-js";

export const VERSION = 2;

class Frame {
  #buffer;
  constructor(bytes) { this.#buffer = Buffer.from(bytes); }
  get level() { return this.#buffer.readFloatBE(1); }
  get check() { return ieee754.read(this.#buffer, 1, false, 23, 4); }
  get serial() { return `SN-${this.#buffer.readUInt16LE(5).toString(16).padStart(6, "0")}`; }
}

export function decodeUplink({ bytes, fPort, recvTime, variables = {} }) {
  const frame = new Frame(bytes);
  const { level, serial } = frame;
  return {
    data: {
      level, serial, same: level === frame.check, port: fPort ?? -1, year: recvTime?.getUTCFullYear(),
      bytes: bytesOf("AQI=").length, ...(fPort === 9 && { extra: 1 }),
    },
  };
}
