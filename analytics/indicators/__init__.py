"""In: sums of a period and a zone. Out: a figure with its quality. The catalogue is data."""
