"""In: ChirpStack's MQTT events. Out: Uplink. And the other way: devices, base stations and downlinks into ChirpStack."""
