"""What fills the symbols of the formulas: one function (Window, Scope) -> Amount for each measured input."""

from __future__ import annotations

from collections.abc import Callable

from analytics.indicators.amounts import Amount
from analytics.indicators.inputs.balance import INPUTS as BALANCE
from analytics.indicators.inputs.network import INPUTS as NETWORK
from analytics.indicators.inputs.night import INPUTS as NIGHT
from analytics.indicators.inputs.overflow import INPUTS as OVERFLOW
from analytics.indicators.inputs.pressure import INPUTS as PRESSURE
from analytics.indicators.inputs.sewer import INPUTS as SEWER
from analytics.indicators.master import MASTER, lookup
from analytics.indicators.scope import Scope
from analytics.indicators.window import Window

Input = Callable[[Window, Scope], Amount]

MEASURED: dict[str, Input] = {**BALANCE, **PRESSURE, **OVERFLOW, **SEWER, **NETWORK, **NIGHT}
"""Input name → function. The name ends with its unit."""


def amount(w: Window, name: str, scope: Scope, net: str) -> Amount:
    """One input by name: measured, or of the master data. Raises KeyError for a name nobody knows."""
    if name == "days":
        return Amount(w.days)
    if name in MEASURED:
        return MEASURED[name](w, scope)
    return lookup(w, MASTER[name].name, scope, net)
