// TTN v2: Decoder(bytes, port), numbers as toFixed text, text where a probe is missing.
function Decoder(bytes, port) {
  var value = (bytes[0] << 8 | bytes[1]) & 0x3FFF;
  var batV = value / 1000;
  value = bytes[2] << 8 | bytes[3];
  var distance = "Invalid Reading";
  if (bytes[2] === undefined) distance = "No Sensor";
  else if (value > 20) distance = value + " mm";
  if (value > 20) distance = (value).toFixed(0);
  value = bytes[5] << 8 | bytes[6];
  if (bytes[5] & 0x80) value |= 0xFFFF0000;
  var temp = (value / 10).toFixed(2);
  return { Bat: batV, Distance: distance, TempC_DS18B20: temp, Node_type: "ULTRASONIC" };
}
