function bin16dec(bin) {
  var num = bin & 0xFFFF;
  if (0x8000 & num) num = -(0x010000 - num);
  return num;
}

function DecodePayload(data) {
  var obj = new Object();
  for (i = 0; i < data.length; i++) {
    switch (data[i]) {
      case 0x01:
        temp = (data[i + 1] << 8) | (data[i + 2]);
        temp = bin16dec(temp);
        obj.temperature = temp / 10;
        i += 2;
        break;
      case 0x07:
        obj.vdd = (data[i + 1] << 8) | (data[i + 2]);
        i += 2;
        break;
      case 0x0E:
        obj.distance = (data[i + 1] << 8) | (data[i + 2]);
        i += 2;
        break;
      default:
        i = data.length;
        break;
    }
  }
  return obj;
}

function decodeUplink(input) {
  return { "data": DecodePayload(input.bytes) };
}
