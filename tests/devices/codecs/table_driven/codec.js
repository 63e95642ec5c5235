/* Sensors as a table of conversions; values come out as {displayName, value, unit}. */
var decoder = {
  PROTOCOL_VERSION: 2,
  SENSORS: [
    {length: 2,
     values: [{name: 'pressure', displayName: 'Pressure', convert: function (x) { return (x[0] - 32768) / 8192; }, unit: 'bar'},
              {name: 'temperature', displayName: 'Temperature', convert: function (x) { return (x[1] - 32768) / 256; }, unit: '°C'}]},
    {length: 1,
     values: [{name: 'battery_voltage', displayName: 'Battery voltage', convert: function (x) { return x[0] / 1000; }, unit: 'V'}]}
  ],
  read_int: function (bytes, pos) {
    return (bytes[pos] << 8) + bytes[pos + 1];
  },
  decode: function (msg) {
    var bytes = msg;
    var i, j;
    if (typeof msg === 'string') {
      bytes = [];
      for (i = 0; i < msg.length; i += 2) bytes.push(parseInt(msg.substring(i, i + 2), 16));
    }
    var version = bytes[0];
    if (version != this.PROTOCOL_VERSION) {
      return {error: "protocol version " + version + " doesn't match v2"};
    }
    var result = {'protocol_version': version, 'device_id': this.read_int(bytes, 1)};
    var flags = this.read_int(bytes, 3);
    var pos = 5;
    for (i = 0; i < this.SENSORS.length; i++, flags >>= 1) {
      if ((flags & 1) !== 1) continue;
      var sensor = this.SENSORS[i];
      var x = [];
      for (j = 0; j < sensor.length; j++) { x.push(this.read_int(bytes, pos)); pos += 2; }
      for (j = 0; j < sensor.values.length; j++) {
        var value = sensor.values[j];
        if ('convert' in value) {
          result[value.name] = {displayName: value.displayName, value: value.convert.bind(this)(x)};
          if ('unit' in value) result[value.name]['unit'] = value.unit;
        }
      }
    }
    return result;
  }
};

function main() {
  console.log(decoder.decode("02032b0003806797810c2b"));
}

function decodeUplink(input) {
  var res = decoder.decode(input.bytes);
  if (res.error) {
    return {errors: [res.error]};
  }
  return {data: res};
}
