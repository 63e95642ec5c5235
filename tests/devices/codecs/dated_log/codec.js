function decodeUplink(input) {
  var t0 = Date.UTC(2024, 0, 1);
  var values = [];
  for (var i = 0; i < input.bytes.length; i++) {
    values.push({ Type: i % 2 ? "Flow" : "Volume", Value: input.bytes[i], Timestamp: new Date(t0 - i * 3600000).toISOString().replace("Z", "") });
  }
  return { data: { values: values, at: t0 } };
}
