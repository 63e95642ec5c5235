"""In: Uplink. Out: Reading. The uplink log, device models and codecs, time, calibration and quality flags, dead letters, fleet health."""
