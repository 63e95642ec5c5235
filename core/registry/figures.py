"""Indicator values with their history: a figure that changes gets a new revision, the old ones stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

import core.registry.tables as tables
from core.model import IndicatorValue
from core.registry.codec import from_json, to_json
from core.registry.database import Database

_T = tables.figures
_KEY = ("indicator", "zone", "start", "end")
_BOUND = tuple(f"its_{name}" for name in _KEY)


class FigureRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, figures: Sequence[IndicatorValue]) -> list[IndicatorValue]:
        """Keep these figures; returned are those that are new or differ from the newest kept, with the revision they now have."""
        changed: dict[tuple[object, ...], IndicatorValue] = {}
        with self._database.write("figures") as connection:
            newest = self._newest(connection, figures)
            for figure in figures:
                key = tuple(getattr(figure, name) for name in _KEY)
                old = changed.get(key) or newest.get(key)
                if old is None:
                    changed[key] = figure
                elif to_json(replace(figure, revision=old.revision)) != to_json(old):
                    changed[key] = replace(figure, revision=(newest[key].revision if key in newest else 0) + 1)
            outdated = [dict(zip(_BOUND, key, strict=True)) for key in changed if key in newest]
            if outdated:
                mine = sa.update(_T).where(
                    _T.c.utility == self._database.utility, *(_T.c[n] == sa.bindparam(b) for n, b in zip(_KEY, _BOUND, strict=True))
                )
                connection.execute(mine.values(newest=False), outdated)
            self._database.upsert(connection, _T, [
                {**{name: getattr(f, name) for name in (*_KEY, "revision")}, "newest": True, "body": to_json(f)} for f in changed.values()
            ])  # fmt: skip
        return list(changed.values())

    def _newest(self, connection: sa.Connection, figures: Sequence[IndicatorValue]) -> dict[tuple[object, ...], IndicatorValue]:
        """What is kept of these figures' indicators and time, by key."""
        if not figures:
            return {}
        query = self._database.mine(_T).where(
            _T.c.newest, _T.c.indicator.in_({f.indicator for f in figures}),
            _T.c.start >= min(f.start for f in figures), _T.c.start <= max(f.start for f in figures),
        )  # fmt: skip
        found = (from_json(IndicatorValue, row.body) for row in connection.execute(query))
        return {tuple(getattr(f, name) for name in _KEY): f for f in found}

    def find(self, *, indicator: str | None = None, zone: str | None = None, start: float | None = None, end: float | None = None,
             history: bool = False) -> list[IndicatorValue]:  # fmt: skip
        """Figures whose period lies within [start, end], by indicator, zone, period and revision; `history` adds the older revisions."""
        query = self._database.mine(_T)
        for column, value in ((_T.c.indicator, indicator), (_T.c.zone, zone)):
            query = query if value is None else query.where(column == value)
        if start is not None:
            query = query.where(_T.c.start >= start)
        if end is not None:
            query = query.where(_T.c.end <= end)
        if not history:
            query = query.where(_T.c.newest)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(*(_T.c[name] for name in (*_KEY, "revision")))).all()
        return [from_json(IndicatorValue, row.body) for row in rows]
