function depth(n) { return n ? depth(n) + 1 : 0; }
const decodeUplink = (input) => ({ data: { level: depth(input.bytes[0]) } });
