"use strict";
const State = Object.freeze({ CLOSED: 0, OPEN: 1, properties: { 0: { name: "closed" }, 1: { name: "open" } } });
const decoders = new Map([
  [1, (b) => ({ state: State.properties[b[0]]?.name ?? "unknown" })],
  [2, (b) => ({ state: b[0] === State.OPEN ? "open" : "closed", history: b.slice(1).map((x, i) => ({ state: State.properties[x].name, age: (i + 1) * 10 })) })],
]);
function decodeUplink({ bytes, fPort }) {
  const decoder = decoders.get(fPort);
  if (!decoder) return { errors: [`unknown port ${fPort}`] };
  return { data: decoder(bytes) };
}
