"""Time at the edges: ISO 8601 in and out, and the local days of Europe/Oslo (23, 24 or 25 hours long)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")


def iso(t: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the millisecond where there is a fraction."""
    moment = datetime.fromtimestamp(t, UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def unix(text: str | datetime | float | int) -> float:
    """ISO 8601 (or a datetime, or Unix seconds) as Unix seconds; a time without a zone is local to Oslo.

    Raises ValueError naming the text.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ValueError(f"'{text}' is not an ISO 8601 time such as 2026-05-17T12:00:00Z") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=OSLO)).timestamp()


def local_midnight(day: date, zone: ZoneInfo = OSLO) -> float:
    """The Unix time at which a local day starts."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def local_day(t: float, zone: ZoneInfo = OSLO) -> date:
    return datetime.fromtimestamp(t, zone).date()


def day_starts(start: float, end: float, zone: ZoneInfo = OSLO) -> list[float]:
    """Local midnights that cover [start, end): the first at or before start, the last at or after end."""
    day = local_day(start, zone)
    midnights: list[float] = []
    while not midnights or midnights[-1] < end:
        midnights.append(local_midnight(day, zone))
        day += timedelta(days=1)
    return midnights


def period(name: str, zone: ZoneInfo = OSLO) -> tuple[float, float]:
    """'2026', '2026-05' or '2026-05-17' as a half-open interval of local time. Raises ValueError for anything else."""
    parts = name.split("-")
    try:
        year, month, day = (*map(int, parts), 1, 1)[:3]
        first = date(year, month, day)
        following = {
            1: date(year + 1, 1, 1),
            2: date(year + month // 12, month % 12 + 1, 1),
            3: first + timedelta(days=1),
        }[len(parts)]
    except (ValueError, KeyError) as error:
        raise ValueError(f"'{name}' is not a period: write a year, a month (2026-05) or a day (2026-05-17)") from error
    return local_midnight(first, zone), local_midnight(following, zone)
