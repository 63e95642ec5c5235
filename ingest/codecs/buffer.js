// Node's Buffer, base64-js and ieee754 as far as payload codecs use them. Everything is in memory.
(function (global) {
  "use strict";
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const SEXTET = new Uint8Array(128).fill(64);
  for (let i = 0; i < 64; i++) SEXTET[ALPHABET.charCodeAt(i)] = i;
  SEXTET[45] = 62;
  SEXTET[95] = 63;
  const HEX = "0123456789abcdef";

  function fromBase64(text) {
    const bytes = [];
    let bits = 0, held = 0;
    for (let i = 0; i < text.length; i++) {
      const sextet = SEXTET[text.charCodeAt(i)];
      if (!(sextet < 64)) continue;
      held = (held << 6) | sextet;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        bytes.push((held >> bits) & 0xff);
      }
    }
    return bytes;
  }

  function toBase64(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const word = (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0) << 8) | (left > 2 ? bytes[i + 2] : 0);
      text += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63];
      text += (left > 1 ? ALPHABET[(word >> 6) & 63] : "=") + (left > 2 ? ALPHABET[word & 63] : "=");
    }
    return text;
  }

  function fromHex(text) {
    const bytes = [];
    for (let i = 0; i + 1 < text.length; i += 2) {
      const byte = Number.parseInt(text.slice(i, i + 2), 16);
      if (Number.isNaN(byte)) break;
      bytes.push(byte);
    }
    return bytes;
  }

  function toHex(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i] >> 4] + HEX[bytes[i] & 15];
    return text;
  }

  function fromUtf8(text) {
    const bytes = [];
    for (const character of text) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return bytes;
  }

  function toUtf8(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; ) {
      const first = bytes[i++];
      const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
      let code = more > 0 ? first & (0x3f >> more) : first;
      let good = more >= 0 && i + more <= bytes.length;
      for (let k = 0; good && k < more; k++) {
        good = (bytes[i + k] & 0xc0) === 0x80;
        code = (code << 6) | (bytes[i + k] & 0x3f);
      }
      if (good) i += more;
      text += good && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    }
    return text;
  }

  const characters = (mask) => (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] & mask);
    return text;
  };
  const codes = (text) => Array.from(text, (_, i) => text.charCodeAt(i) & 0xff);
  const fromUtf16 = (text) => Array.from({ length: 2 * text.length }, (_, i) => (text.charCodeAt(i >> 1) >> (8 * (i & 1))) & 0xff);
  const toUtf16 = (bytes) => {
    let text = "";
    for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | (bytes[i + 1] << 8));
    return text;
  };
  const ENCODINGS = {
    utf8: [fromUtf8, toUtf8],
    hex: [fromHex, toHex],
    base64: [fromBase64, toBase64],
    base64url: [fromBase64, (bytes) => toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")],
    ascii: [codes, characters(0x7f)],
    latin1: [codes, characters(0xff)],
    utf16le: [fromUtf16, toUtf16],
  };
  const ALIASES = { "utf-8": "utf8", binary: "latin1", ucs2: "utf16le", "ucs-2": "utf16le", "utf-16le": "utf16le" };
  function encoding(name) {
    const lower = name === undefined || name === null ? "utf8" : String(name).toLowerCase();
    const found = ENCODINGS[ALIASES[lower] || lower];
    if (!found) throw new TypeError("Unknown encoding: " + name);
    return found;
  }

  function adopt(array) {
    Object.setPrototypeOf(array, Buffer.prototype);
    return array;
  }

  function Buffer(value, encodingOrOffset, length) {
    return typeof value === "number" ? Buffer.alloc(value) : Buffer.from(value, encodingOrOffset, length);
  }
  Object.setPrototypeOf(Buffer, Uint8Array);
  Object.setPrototypeOf(Buffer.prototype, Uint8Array.prototype);

  Buffer.from = function (value, encodingOrOffset, length) {
    if (typeof value === "string") return adopt(new Uint8Array(encoding(encodingOrOffset)[0](value)));
    if (value instanceof ArrayBuffer) return adopt(new Uint8Array(value, encodingOrOffset, length));
    if (value && value.type === "Buffer" && Array.isArray(value.data)) return adopt(new Uint8Array(value.data));
    if (value === null || typeof value !== "object") throw new TypeError("Buffer.from needs a string, an array or a buffer");
    return adopt(new Uint8Array(value));
  };
  Buffer.alloc = function (size, fill, name) {
    const buffer = adopt(new Uint8Array(size));
    return fill === undefined ? buffer : buffer.fill(fill, 0, size, name);
  };
  Buffer.allocUnsafe = Buffer.allocUnsafeSlow = (size) => Buffer.alloc(size);
  Buffer.of = (...bytes) => Buffer.from(bytes);
  Buffer.isBuffer = (value) => value instanceof Buffer;
  Buffer.isEncoding = (name) => { try { return !!encoding(name); } catch { return false; } };
  Buffer.byteLength = (value, name) => (typeof value === "string" ? encoding(name)[0](value).length : value.byteLength);
  Buffer.concat = function (list, total) {
    const size = total === undefined ? list.reduce((sum, part) => sum + part.length, 0) : total;
    const joined = Buffer.alloc(size);
    let at = 0;
    for (const part of list) {
      const room = part.length > size - at ? Array.prototype.slice.call(part, 0, size - at) : part;
      joined.set(room, at);
      at += room.length;
    }
    return joined;
  };
  Buffer.compare = function (a, b) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return Math.sign(a.length - b.length);
  };
  Buffer.poolSize = 8192;

  const methods = {
    toString(name, start = 0, end = this.length) {
      return encoding(name)[1](start === 0 && end >= this.length ? this : Uint8Array.prototype.subarray.call(this, start, end));
    },
    toJSON() { return { type: "Buffer", data: Array.from(this) }; },
    equals(other) { return Buffer.compare(this, other) === 0; },
    compare(other) { return Buffer.compare(this, other); },
    slice(start, end) { return this.subarray(start, end); },
    subarray(start, end) { return adopt(Uint8Array.prototype.subarray.call(new Uint8Array(this.buffer, this.byteOffset, this.length), start, end)); },
    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - at));
      target.set(part, at);
      return part.length;
    },
    fill(value, start = 0, end = this.length, name) {
      if (typeof value !== "string") return Uint8Array.prototype.fill.call(this, value, start, end);
      const pattern = encoding(name)[0](value);
      for (let i = start; i < end && pattern.length; i++) this[i] = pattern[(i - start) % pattern.length];
      return this;
    },
    write(text, offset = 0, length, name) {
      if (typeof offset === "string") [offset, name] = [0, offset];
      if (typeof length === "string") [length, name] = [undefined, length];
      const bytes = encoding(name)[0](text).slice(0, Math.min(length === undefined ? Infinity : length, this.length - offset));
      this.set(bytes, offset);
      return bytes.length;
    },
    indexOf(value, from = 0, name) {
      if (typeof value === "number") return Uint8Array.prototype.indexOf.call(this, value & 0xff, from);
      const wanted = typeof value === "string" ? encoding(name)[0](value) : value;
      for (let i = from; i + wanted.length <= this.length; i++) {
        let k = 0;
        while (k < wanted.length && this[i + k] === wanted[k]) k++;
        if (k === wanted.length) return i;
      }
      return -1;
    },
    includes(value, from, name) { return this.indexOf(value, from, name) >= 0; },
    swap16() { return swap(this, 2); },
    swap32() { return swap(this, 4); },
    swap64() { return swap(this, 8); },
    readUIntBE(offset, size) { inside(this, offset, size); let x = 0; for (let i = 0; i < size; i++) x = x * 256 + this[offset + i]; return x; },
    readUIntLE(offset, size) { inside(this, offset, size); let x = 0; for (let i = size - 1; i >= 0; i--) x = x * 256 + this[offset + i]; return x; },
    readIntBE(offset, size) { return signed(this.readUIntBE(offset, size), size); },
    readIntLE(offset, size) { return signed(this.readUIntLE(offset, size), size); },
    writeUIntBE(value, offset, size) {
      inside(this, offset, size);
      for (let i = size - 1; i >= 0; i--, value = Math.floor(value / 256)) this[offset + i] = value;
      return offset + size;
    },
    writeUIntLE(value, offset, size) {
      inside(this, offset, size);
      for (let i = 0; i < size; i++, value = Math.floor(value / 256)) this[offset + i] = value;
      return offset + size;
    },
  };
  methods.writeIntBE = methods.writeUIntBE;
  methods.writeIntLE = methods.writeUIntLE;

  function swap(buffer, size) {
    if (buffer.length % size) throw new RangeError("Buffer size must be a multiple of " + 8 * size + "-bits");
    for (let i = 0; i < buffer.length; i += size) Uint8Array.prototype.reverse.call(buffer.subarray(i, i + size));
    return buffer;
  }
  function signed(value, size) { return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value; }
  function inside(buffer, offset, size) {
    if (!Number.isInteger(offset) || offset < 0 || offset + size > buffer.length) {
      throw new RangeError("offset " + offset + " of " + size + " bytes is outside a buffer of " + buffer.length + " bytes");
    }
  }
  const NUMBERS = {
    UInt8: ["Uint8", 1], Int8: ["Int8", 1], UInt16: ["Uint16", 2], Int16: ["Int16", 2], UInt32: ["Uint32", 4], Int32: ["Int32", 4],
    Float: ["Float32", 4], Double: ["Float64", 8], BigInt64: ["BigInt64", 8], BigUInt64: ["BigUint64", 8],
  };
  for (const [name, [view, size]] of Object.entries(NUMBERS)) {
    for (const order of size === 1 ? [""] : ["LE", "BE"]) {
      const little = order === "LE";
      const read = function (offset = 0) {
        inside(this, offset, size);
        return new DataView(this.buffer, this.byteOffset)["get" + view](offset, little);
      };
      const write = function (value, offset = 0) {
        inside(this, offset, size);
        new DataView(this.buffer, this.byteOffset)["set" + view](offset, value, little);
        return offset + size;
      };
      for (const alias of [name, name.replace("UInt", "Uint")]) {
        methods["read" + alias + order] = read;
        methods["write" + alias + order] = write;
      }
    }
  }
  for (const alias of ["UInt", "Int"]) {
    for (const order of ["LE", "BE"]) {
      methods["read" + alias.replace("UI", "Ui") + order] = methods["read" + alias + order];
      methods["write" + alias.replace("UI", "Ui") + order] = methods["write" + alias + order];
    }
  }
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });

  const ieee754 = {
    read(bytes, offset, little, mantissa) {
      const size = mantissa > 23 ? 8 : 4;
      const view = new DataView(Uint8Array.from(Array.prototype.slice.call(bytes, offset, offset + size)).buffer);
      return size === 8 ? view.getFloat64(0, little) : view.getFloat32(0, little);
    },
    write(bytes, value, offset, little, mantissa) {
      const size = mantissa > 23 ? 8 : 4;
      const view = new DataView(new ArrayBuffer(size));
      if (size === 8) view.setFloat64(0, value, little);
      else view.setFloat32(0, value, little);
      for (let i = 0; i < size; i++) bytes[offset + i] = view.getUint8(i);
    },
  };
  const base64 = {
    toByteArray: (text) => new Uint8Array(fromBase64(text)),
    fromByteArray: toBase64,
    byteLength: (text) => fromBase64(text).length,
  };
  const buffer = { Buffer, SlowBuffer: Buffer, kMaxLength: 0x7fffffff, INSPECT_MAX_BYTES: 50 };
  const modules = { buffer, "base64-js": base64, ieee754 };
  for (const module of Object.values(modules)) module.default = module;
  const load = (name) => {
    const found = modules[String(name).replace(/^node:/, "").replace(/\/$/, "")];
    if (!found) throw new ReferenceError("could not load module '" + name + "'");
    return found;
  };
  for (const [name, value] of [["Buffer", Buffer], ["__load", load]]) {
    Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
  }
})(globalThis);
