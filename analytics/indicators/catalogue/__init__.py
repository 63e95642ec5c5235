"""The catalogue: one file is one indicator, found by its folder. A new file here is a new indicator everywhere."""
