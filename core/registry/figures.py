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


class FigureRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, figures: Sequence[IndicatorValue]) -> list[IndicatorValue]:
        """Keep these figures; returned are those that are new or differ from the newest kept, with the revision they now have."""
        changed = []
        with self._database.write() as connection:
            for figure in figures:
                same = [_T.c[name] == getattr(figure, name) for name in _KEY]
                row = connection.execute(self._database.mine(_T).where(*same, _T.c.newest)).one_or_none()
                if row is not None:
                    old = from_json(IndicatorValue, row.body)
                    if to_json(replace(figure, revision=old.revision)) == to_json(old):
                        continue
                    figure = replace(figure, revision=old.revision + 1)
                    connection.execute(sa.update(_T).where(_T.c.utility == self._database.utility, *same).values(newest=False))
                columns = {name: getattr(figure, name) for name in (*_KEY, "revision")}
                self._database.upsert(connection, _T, [{**columns, "newest": True, "body": to_json(figure)}])
                changed.append(figure)
        return changed

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
