"""The journal's tables: one schema for SQLite and, later, Postgres."""

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

# Raise it with every change of a table. An older journal is refused by name, never read by guesswork.
SCHEMA_VERSION = 1


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, kept as epoch seconds: SQLite's own date type forgets the time zone."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount in dollars: prices per token are too fine for a float, and SQLite has no decimals."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Words(TypeDecorator[str]):
    """Text for people. A NUL or half a surrogate pair, which no database takes, becomes the replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key counts by itself in SQLite


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Words, nullable=False, default=default)


def _build() -> Column[str]:
    return Column("build", ForeignKey("builds.id"), nullable=False)


versions = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

builds = Table(
    "builds",
    metadata,
    Column("id", String(64), primary_key=True),
    _text("prompt"),
    _text("state"),
    Column("epoch", Integer, nullable=False, default=0),
    _text("owner"),
    _text("plan"),
    _text("head"),
    _text("out"),
    Column("options", JSON, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    _text("reason"),
    Column("last_event", Integer, nullable=False, default=0),
    Column("created", Moment, nullable=False),
    Column("ended", Moment),
    Index("builds_by_age", "created"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("build", ForeignKey("builds.id"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    _text("type"),
    _text("title"),
    Column("files", JSON, nullable=False),
    Column("tests", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    _text("state"),
    Column("fence", Integer, nullable=False, default=0),
    Column("forgiven", Integer, nullable=False, default=0),
    _text("accepted_attempt"),
    _text("reason"),
)

dependencies = Table(
    "deps",
    metadata,
    Column("build", String(64), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("needs", String(64), primary_key=True),
    ForeignKeyConstraint(["build", "task"], ["tasks.build", "tasks.id"]),
    ForeignKeyConstraint(["build", "needs"], ["tasks.build", "tasks.id"]),
    Index("deps_by_need", "build", "needs"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("build", String(64), primary_key=True),
    Column("id", String(80), primary_key=True),
    Column("task", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    _text("kind"),
    Column("rung", Integer, nullable=False),
    _text("model"),
    _text("continues"),
    _text("state"),
    Column("refused", Boolean, nullable=False, default=False),
    _text("branch"),
    _text("base"),
    _text("commit"),
    _text("tree"),
    _text("reason"),
    Column("findings", JSON, nullable=False),
    Column("evidence", JSON(none_as_null=True)),
    Column("dispatched", Moment, nullable=False),
    Column("started", Moment),
    Column("ended", Moment),
    ForeignKeyConstraint(["build", "task"], ["tasks.build", "tasks.id"]),
    Index("attempts_by_task", "build", "task", "number", unique=True),
)

contracts = Table(
    "contracts",
    metadata,
    Column("build", ForeignKey("builds.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    _text("commit"),
    _text("tree"),
    Column("evidence", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("build", ForeignKey("builds.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    _text("kind"),
    _text("task"),
    _text("attempt"),
    Column("data", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)

model_calls = Table(
    "model_calls",
    metadata,
    Column("number", _Serial, primary_key=True),
    _build(),
    _text("task"),
    _text("attempt"),
    _text("step"),
    Column("rung", Integer, nullable=False),
    _text("model"),
    Column("simulated", Boolean, nullable=False),
    Column("request", Text, nullable=False),  # kept texts (`blobs.py`): here when short, else in a blob
    Column("reply", Text, nullable=False),
    _text("stop"),
    _text("error"),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cache_read_tokens", Integer, nullable=False),
    Column("cache_write_tokens", Integer, nullable=False),
    Column("reserved_tokens", Integer, nullable=False),
    Column("cost", Money),
    Column("seconds", Double, nullable=False),
    Column("at", Moment, nullable=False),
    Index("model_calls_by_build", "build", "number"),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("number", _Serial, primary_key=True),
    _build(),
    _text("task"),
    _text("attempt"),
    _text("server"),
    _text("tool"),
    Column("arguments", Text, nullable=False),  # kept texts, as above
    Column("is_error", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("at", Moment, nullable=False),
    Index("tool_calls_by_build", "build", "number"),
)
