// Platforms that want a list of fields, each with its own time.
function Decoder(payload, port) {
  var fields = [];
  for (var i = 0; i + 2 <= payload.length; i += 2) {
    fields.push({ field: i ? "HISTORY" : "LEVEL", value: (payload[i] << 8 | payload[i + 1]) / 100, timestamp: 1700000000 - i * 900 });
  }
  if (payload[0] === 0xff) fields[0].value = NaN;
  return fields;
}
