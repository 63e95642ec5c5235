// Module-level state: on a network server each frame starts anew, and so it must here, or one device's values reach another's.
var decoded = {};
let seen = 0;

function decodeUplink(input) {
  seen++;
  globalThis.total = (globalThis.total || 0) + 1;
  if (input.bytes[0] === 1) decoded.level = input.bytes[1];
  if (input.bytes[0] === 2) decoded.battery = input.bytes[1];
  decoded.calls = seen + globalThis.total;
  return { data: decoded };
}
