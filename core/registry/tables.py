"""The registry's tables. A row's key and what is searched are columns; the rest is its record as JSON in `body`.

Every row belongs to a utility. Times are Unix seconds. Migrations in `migrations/versions` build the same schema; a test compares.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
Json = JSON().with_variant(JSONB(), "postgresql")
Counter = BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *columns: Column[object], **keys: object) -> Table:
    return Table(name, metadata, Column("utility", String, primary_key=True), *columns, Column("body", Json, nullable=False))


def _key(name: str, kind: type = String) -> Column[object]:
    return Column(name, kind, primary_key=True)


towns = _table("towns", Column("revision", Integer, nullable=False))
base_stations, zones, assets = (
    _table(name, _key("id"), Column("position", Integer, nullable=False)) for name in ("base_stations", "zones", "assets")
)
sensors = _table(
    "sensors", _key("id"), _key("valid_from", Double), Column("valid_to", Double, nullable=False),
    Column("dev_eui", String, nullable=False), Column("position", Integer, nullable=False),
)  # fmt: skip
events = _table(
    "events", _key("id"), Column("kind", String, nullable=False), Column("zone", String), Column("start", Double, nullable=False),
    Column("end", Double), Column("withdrawn", Boolean, nullable=False),
)  # fmt: skip
event_sensors = Table("event_sensors", metadata, *(Column(name, String, primary_key=True) for name in ("utility", "sensor", "event")))
alarms = _table(
    "alarms", _key("id"), Column("cause", String, nullable=False), Column("kind", String, nullable=False),
    Column("state", String, nullable=False), Column("zone", String), Column("raised_at", Double, nullable=False),
)  # fmt: skip
figures = _table(
    "figures", _key("indicator"), _key("zone"), _key("start", Double), _key("end", Double), _key("revision", Integer),
    Column("newest", Boolean, nullable=False),
)  # fmt: skip
master_values = _table(
    "master_values", _key("name"), _key("zone"), _key("valid_from", Double), _key("entered_at", Double),
    Column("valid_to", Double, nullable=False),
)  # fmt: skip
maintenance = _table("maintenance", _key("id"), Column("start", Double, nullable=False), Column("end", Double, nullable=False))
users = _table("users", _key("name"))
api_keys = _table("api_keys", _key("id"), Column("prefix", String, nullable=False))
audit = Table(
    "audit", metadata, Column("id", Counter, primary_key=True, autoincrement=True), Column("utility", String, nullable=False),
    Column("at", Double, nullable=False), Column("actor", String, nullable=False), Column("action", String, nullable=False),
    Column("subject", String, nullable=False), Column("personal", Boolean, nullable=False), Column("body", Json, nullable=False),
)  # fmt: skip
outbox = _table(
    "outbox",
    _key("id"),
    Column("created_at", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("sent_at", Double),
)
commissionings = _table("commissionings", _key("id"), Column("sensor", String, nullable=False), Column("at", Double, nullable=False))
documents = _table("documents", _key("key"))

Index("sensors_by_device", sensors.c.utility, sensors.c.dev_eui)
Index("events_by_start", events.c.utility, events.c.start)
Index("alarms_by_cause", alarms.c.utility, alarms.c.cause)
Index("figures_by_period", figures.c.utility, figures.c.newest, figures.c.start)
Index("audit_by_time", audit.c.utility, audit.c.at)
Index("outbox_by_due", outbox.c.utility, outbox.c.sent_at, outbox.c.not_before)
