function decodeUplink(input) {
  const view = new DataView(Uint8Array.from(input.bytes).buffer);
  const words = new Uint16Array(new Uint8Array(input.bytes.slice(4, 8)).buffer);
  const values = new Float32Array(1);
  values[0] = view.getFloat32(0);
  const id = view.getBigUint64(0);
  return { data: { values, level: values[0], words: Array.from(words), id: id } };
}
