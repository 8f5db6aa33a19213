"""What the database tools give."""

from typing import Any, Literal

from pydantic import BaseModel, Field

Kind = Literal["table", "view", "virtual"]
Direction = Literal["up", "down", "check"]


class Database(BaseModel):
    """One database."""

    name: str
    bytes: int


class DatabaseList(BaseModel):
    """The databases of this task."""

    databases: list[Database]


class Column(BaseModel):
    """One column of a table or view."""

    name: str
    type: str
    not_null: bool
    default: str | None
    primary_key: int = Field(description="Its place in the primary key, 0 when it is not part of it")


class Index(BaseModel):
    """One index of a table."""

    name: str
    unique: bool
    columns: list[str]


class ForeignKey(BaseModel):
    """One reference to another table."""

    columns: list[str]
    table: str
    references: list[str] = Field(description="Empty: the other table's primary key")
    on_delete: str


class Table(BaseModel):
    """One table or view."""

    name: str
    kind: Kind
    columns: list[Column]
    indexes: list[Index]
    foreign_keys: list[ForeignKey]
    triggers: list[str]
    sql: str


class Schema(BaseModel):
    """What a database looks like."""

    database: str
    tables: list[Table]
    next_cursor: str


class ColumnInfo(BaseModel):
    """One column of a result."""

    name: str
    type: str = Field(
        description="What the values on this page are: integer, real, text, blob, null; `|` between several"
    )


class Rows(BaseModel):
    """A page of a result."""

    columns: list[ColumnInfo]
    rows: list[list[Any]] = Field(description="Blobs are given as hexadecimal, e.g. x'00ff'")
    next_cursor: str
    seconds: float


class Changes(BaseModel):
    """What a statement did."""

    database: str
    created: bool = Field(description="The database is new")
    changes: int = Field(description="Rows inserted, updated or deleted, triggers and cascades included")
    last_row_id: int
    columns: list[ColumnInfo]
    rows: list[list[Any]] = Field(description="What RETURNING gave, the first rows of it")
    seconds: float


class Step(BaseModel):
    """One step of a query plan."""

    id: int
    parent: int
    detail: str


class QueryPlan(BaseModel):
    """How SQLite would run a statement."""

    steps: list[Step]
    scans: list[str] = Field(description="Steps that read a whole table or index")


class MigrationStep(BaseModel):
    """One migration that was run, or would be."""

    file: str
    direction: Literal["up", "down"]
    statements: int


class MigrationReport(BaseModel):
    """What `db_migrate` did."""

    database: str
    direction: Direction
    dry_run: bool
    steps: list[MigrationStep]
    applied: list[str] = Field(description="Migrations that the database has now; none after a check")
