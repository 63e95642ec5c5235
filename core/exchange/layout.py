"""Which column of somebody's file is what, from `--map` options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import ConfigError
from core.quantities import QUANTITIES

ROLES = ("sensor", "quantity", "time", "value", "flag")


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns`: the column of each role; `constants`: a fixed sensor or quantity; `wide`: the (sensor, quantity) of each value column."""

    columns: Mapping[str, str] = field(default_factory=lambda: {role: role for role in ROLES})
    constants: Mapping[str, str] = field(default_factory=dict)
    wide: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def needed(self) -> list[str]:
        """Columns that the file must have."""
        roles = ["time"] if self.wide else [r for r in ("sensor", "quantity", "time", "value") if r not in self.constants]
        return [self.columns[role] for role in roles] + list(self.wide)


def parse_layout(options: Sequence[str]) -> Layout:
    """`role=Column` names a column, `role:constant` fixes a sensor or quantity, `SENSOR/QUANTITY=Column` is one column of a wide file.

    Roles are sensor, quantity, time, value and flag; a role not mentioned has the column of its own name. Raises ConfigError
    listing every option that means nothing.
    """
    columns, constants, wide, problems = {role: role for role in ROLES}, {}, {}, []
    for option in options:
        name, equals, column = option.partition("=")
        role, colon, constant = option.partition(":")
        sensor, _, quantity = name.rpartition("/")
        if equals and name in ROLES:
            columns[name] = column
        elif equals and sensor and quantity in QUANTITIES:
            wide[column] = (sensor, quantity)
        elif not equals and colon and role == "quantity" and constant not in QUANTITIES:
            problems.append(f"--map {option}: there is no quantity '{constant}'; known are {', '.join(QUANTITIES)}")
        elif not equals and colon and role in ("sensor", "quantity"):
            constants[role] = constant
        else:
            problems.append(f"--map {option}: write role=Column, sensor:NAME, quantity:NAME or SENSOR/QUANTITY=Column")
    if problems:
        raise ConfigError(problems)
    return Layout(columns, constants, wide)
