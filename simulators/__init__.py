"""In: a seed and a scenario. Out: the town that stands in for the hardware, and the truth about it."""
