"""OGC SensorThings 1.1, the read profile."""
