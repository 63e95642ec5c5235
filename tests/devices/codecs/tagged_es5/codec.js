// Tag-length-value frames in the ES5 style of the large sensor makers: global helpers, every platform's entry, a patched Object.assign.
var RAW = 0;

function decodeUplink(input) {
    var decoded = deviceDecode(input.bytes);
    return { data: decoded };
}

function Decode(fPort, bytes) {
    return deviceDecode(bytes);
}

function Decoder(bytes, port) {
    return deviceDecode(bytes);
}

function deviceDecode(bytes) {
    var decoded = {};
    for (var i = 0; i < bytes.length; ) {
        var channel = bytes[i++];
        var type = bytes[i++];
        if (channel === 0xff && type === 0x16) {
            decoded.sn = serial(bytes.slice(i, i + 8));
            i += 8;
        } else if (channel === 0x01 && type === 0x75) {
            decoded.battery = bytes[i];
            i += 1;
        } else if (channel === 0x03 && type === 0x7b) {
            decoded.pressure = int16(bytes.slice(i, i + 2));
            i += 2;
        } else if (channel === 0x20 && type === 0xce) {
            var point = {};
            point.timestamp = uint32(bytes.slice(i, i + 4));
            point.pressure = int16(bytes.slice(i + 4, i + 6));
            i += 6;
            decoded.history = decoded.history || [];
            decoded.history.push(point);
        } else if (channel === 0xfe || channel === 0xff) {
            var answer = downlinkAnswer(type, bytes, i);
            decoded = Object.assign(decoded, answer.data);
            i = answer.offset;
        } else {
            break;
        }
    }
    return decoded;
}

function downlinkAnswer(type, bytes, offset) {
    switch (type) {
        case 0x03:
            return { data: { report_interval: uint16(bytes.slice(offset, offset + 2)) }, offset: offset + 2 };
        case 0x10:
            return { data: { reboot: label({ 0: "no", 1: "yes" }, 1) }, offset: offset + 1 };
        default:
            throw new Error("unknown downlink response");
    }
}

function serial(bytes) {
    var parts = [];
    for (var i = 0; i < bytes.length; i++) {
        parts.push(("0" + (bytes[i] & 0xff).toString(16)).slice(-2));
    }
    return parts.join("");
}

function uint16(bytes) {
    return ((bytes[1] << 8) + bytes[0]) & 0xffff;
}

function int16(bytes) {
    var value = uint16(bytes);
    return value > 0x7fff ? value - 0x10000 : value;
}

function uint32(bytes) {
    return ((bytes[3] << 24) + (bytes[2] << 16) + (bytes[1] << 8) + bytes[0]) >>> 0;
}

function label(map, key) {
    if (RAW) return key;
    return map[key] || "unknown";
}

Object.defineProperty(Object, "assign", {
    enumerable: false,
    configurable: true,
    writable: true,
    value: function (target) {
        "use strict";
        var to = Object(target);
        for (var i = 1; i < arguments.length; i++) {
            var source = Object(arguments[i]);
            var keys = Object.keys(source);
            for (var k = 0; k < keys.length; k++) to[keys[k]] = source[keys[k]];
        }
        return to;
    },
});
