function decodeUplink(input) {
  var all = [];
  while (input.bytes[0]) all.push(new Array(10000).fill("x" + all.length));
  return { data: { level: 1 } };
}
