"""In: a Release. Out: a report for a municipal board, as PDF and HTML, in bokmål or English, the same bytes each time."""
