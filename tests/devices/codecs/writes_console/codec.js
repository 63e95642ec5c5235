function decodeUplink(input) {
  var level = input.bytes[0];

  console.log("level", level);
  return { data: { level: level } };
}
