// ChirpStack runs in UTC. Where this server does not, a codec's local time is made UTC all the same.
(function (global) {
  "use strict";
  const Native = global.Date;
  const offsets = [0, 6].map((month) => new Native(2024, month, 1).getTimezoneOffset());
  if (offsets.every((offset) => offset === 0)) return;
  const ZONED = /(?:Z|[+-]\d{2}:?\d{2}|GMT|UTC)\s*(?:\([^)]*\))?\s*$|^[+-]?\d{4,6}(?:-\d{2}){0,2}$/i;

  function parse(text) {
    const time = Native.parse(text);
    if (Number.isNaN(time) || ZONED.test(String(text).trim())) return time;
    const local = new Native(time);
    return Native.UTC(local.getFullYear(), local.getMonth(), local.getDate(), local.getHours(), local.getMinutes(), local.getSeconds(), local.getMilliseconds());
  }

  class UtcDate extends Native {
    constructor(...parts) {
      if (parts.length > 1) super(Native.UTC(...parts));
      else if (typeof parts[0] === "string") super(parse(parts[0]));
      else super(...parts);
    }
    static parse(text) { return parse(text); }
    getTimezoneOffset() { return 0; }
    toString() { return Number.isNaN(this.getTime()) ? "Invalid Date" : this.toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (.*) GMT$/, "$1 $3 $2 $4 $5 GMT+0000"); }
  }
  for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"]) {
    for (const verb of ["get", "set"]) {
      const method = Native.prototype[verb + "UTC" + part];
      if (method) Object.defineProperty(UtcDate.prototype, verb + part, { value: method, writable: true, configurable: true });
    }
  }
  Object.defineProperty(global, "Date", { value: UtcDate, writable: true, configurable: true });
})(globalThis);
