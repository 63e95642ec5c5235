"""The first released schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("raised_at", sa.Double(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_index("alarms_by_cause", "alarms", ["utility", "cause"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_table(
        "assets",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_time", "audit", ["utility", "at"], unique=False)
    op.create_table(
        "base_stations",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_table(
        "commissionings",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_table(
        "documents",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "key"),
    )
    op.create_table(
        "event_sensors",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("utility", "sensor", "event"),
    )
    op.create_table(
        "events",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_index("events_by_start", "events", ["utility", "start"], unique=False)
    op.create_table(
        "figures",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "indicator", "zone", "start", "end", "revision"),
    )
    op.create_index("figures_by_period", "figures", ["utility", "newest", "start"], unique=False)
    op.create_table(
        "maintenance",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_table(
        "master_values",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("entered_at", sa.Double(), nullable=False),
        sa.Column("valid_to", sa.Double(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "name", "zone", "valid_from", "entered_at"),
    )
    op.create_table(
        "outbox",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )
    op.create_index("outbox_by_due", "outbox", ["utility", "sent_at", "not_before"], unique=False)
    op.create_table(
        "sensors",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.Column("valid_to", sa.Double(), nullable=False),
        sa.Column("dev_eui", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id", "valid_from"),
    )
    op.create_index("sensors_by_device", "sensors", ["utility", "dev_eui"], unique=False)
    op.create_table(
        "towns",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility"),
    )
    op.create_table(
        "users",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "name"),
    )
    op.create_table(
        "zones",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("utility", "id"),
    )


def downgrade() -> None:
    raise RuntimeError("the registry is not migrated down: restore a backup made by the older version")
