"""In: Series. Out: Event and IndicatorValue. Detectors and indicators are pure functions of arrays."""
