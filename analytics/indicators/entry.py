"""What one indicator of the catalogue is: its metadata, its examples, and one pure function from inputs to numerator and denominator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Inputs = Mapping[str, float]
"""The numbers of one scope and period by the indicator's own symbols, each in the unit its input's name ends with."""

Status = Literal["V", "U", "P"]
"""V: read in a public source. U: general knowledge, unverified. P: our proposal. Only V is printed as certain."""

Polarity = Literal["lower_is_better", "higher_is_better"]
Relation = Literal["official", "component", "proxy", "context"]
Verdict = Literal["sensors", "sensors_plus_master", "component", "proxy"]
Profile = Literal["vol", "evt", "reg", "prox"]
Network = Literal["water", "sewer", "all"]

DEVELOPMENT_AREAS = (
    "Built environment", "Childhood and education", "Culture", "Digitalisation", "Economy", "Energy",
    "Governance and citizen engagement", "Health, social services and welfare", "Industry", "Natural environment",
    "Safety and preparedness", "Transport", "Water and waste", "Work/employment",
)  # fmt: skip
EVALUATIONS = ("1-Input", "2-Process", "3-Output", "4-Outcome", "5-Impact")
DISTRIBUTIONS = ("time", "region", "groups")
BOTTOM_LINES = ("People", "Planet", "Prosperity")
LOS = "https://psi.norge.no/los/ord/"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    nb: str

    def of(self, language: str) -> str:
        return self.nb if language == "nb" else self.en


@dataclass(frozen=True, slots=True)
class Parts:
    """Numerator and denominator, both additive over zones and time where the entry says so; value = scale · numerator / denominator."""

    numerator: float
    denominator: float = 1.0
    scale: float = 1.0

    @property
    def value(self) -> float | None:
        """None where the denominator is zero, negative or unknown."""
        if not (self.denominator > 0 and math.isfinite(self.numerator)):
            return None
        return self.scale * self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Ref:
    """A clause, code or rule elsewhere, and how sure we are of it."""

    text: str
    status: Status = "V"


@dataclass(frozen=True, slots=True)
class Iso:
    """A clause of an ISO standard; the same clause number means different things in other editions."""

    standard: str
    edition: int
    clause: str
    status: Status = "V"

    def __str__(self) -> str:
        return f"ISO {self.standard}:{self.edition} {self.clause}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A value to compare with: `op` "=" is a level somewhere, any other a goal; `year` is the level's, or the goal's deadline."""

    name: Text
    value: float
    op: Literal["=", "<", "<=", ">="] = "="
    year: int | None = None
    status: Status = "V"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Sdg:
    """Where the indicator belongs among the goals. `indicator` is named only where the relation is component or proxy."""

    targets: tuple[str, ...]
    relation: Relation = "context"
    indicator: str | None = None
    series: str | None = None


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Classification after KS/SSB: perspective (area, evaluation, distribution) and goal (triple bottom line). `los` are Los URIs."""

    area: tuple[str, ...]
    los: tuple[str, ...]
    evaluation: str
    distribution: tuple[str, ...]
    bottom_line: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: a test vector."""

    inputs: Mapping[str, float]
    expect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One catalogue entry.

    `inputs` maps each symbol of the formula to what fills it: a measured input (analytics.indicators.inputs) or a name of
    master data (analytics.indicators.master). `compute` is pure. `per_year`: the unit is per year, and a shorter period's value is
    the period's own, never scaled up. `validity` gives (low, high) outside which a value is a fault of measurement, not a result.
    """

    key: str
    id: str
    name: Text
    description: Text
    unit: str
    polarity: Polarity
    network: Network
    verdict: Verdict
    formula: str
    inputs: Mapping[str, str]
    compute: Callable[[Inputs], Parts]
    time_aggregation: Text
    zone_aggregation: Text
    sdg: Sdg
    taxonomy: Taxonomy
    profile: Profile
    examples: tuple[Example, ...]
    u4ssc: str | None = None
    u4ssc_context: bool = False
    iso: tuple[Iso, ...] = ()
    kostra: str | None = None
    eu: tuple[Ref, ...] = ()
    other: tuple[Ref, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()
    edge_cases: tuple[Text, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    validity: tuple[float, float] = (0.0, math.inf)
    per_year: bool = False
    decimals: int = 1
    outside: Callable[[Inputs], str] = lambda inputs: ""
    """In words, how the inputs leave the formula's published limits (then class 2 at best); "" where they do not."""
    method_version: str = "1"

    @property
    def is_proxy(self) -> bool:
        return self.sdg.relation in ("proxy", "component")

    def label(self, language: str) -> str:
        """The name, with the words that keep a proxy from being read as the official figure."""
        name = self.name.of(language)
        if not self.is_proxy or self.sdg.indicator is None:
            return name
        words = {"proxy": ("lokal tilnærming", "local proxy"), "component": ("lokal delindikator", "local component")}[self.sdg.relation]
        return f"{name} – {words[0] if language == 'nb' else words[1]}"

    def unit_for(self, whole_year: bool) -> str:
        return self.unit if whole_year or not self.per_year else self.unit.removesuffix("/yr")
