// ChirpStack v3: Decode(fPort, bytes, variables), with the device's variables as text.
function Decode(fPort, bytes, variables) {
  if (fPort === 2) {
    return { "pulses": (bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) >>> 0, "litres": bytes[3] * parseFloat(variables.litres_per_pulse) };
  }
  return { "unknown_port": fPort };
}
