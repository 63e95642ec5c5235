"""In: readings, events and master data of a period. Out: IndicatorValue, each with its quality. The catalogue is data."""

from analytics.indicators.compute import CATALOGUE, compute, find, settled
from analytics.indicators.entry import Indicator, Parts
from analytics.indicators.rollup import Rollups
from analytics.indicators.scope import town_zone

__all__ = ["CATALOGUE", "Indicator", "Parts", "Rollups", "compute", "find", "settled", "town_zone"]
