"""What can go wrong with a database, in words that a model can act on."""

from collections.abc import Iterable

from codegod_kit import ToolFault

# A fault stays readable; the statement that it is about is known to whoever sent it.
_SHOWN_CHARS = 200


class DatabaseFault(ToolFault):
    """A call on a database did not do what was asked; nothing was changed."""


class BadName(DatabaseFault):
    """The text is no database's name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{_shown(name)} is no database name. Use letters, digits, `.`, `_` and `-`, e.g. `scratch`; never a path."
        )
        self.name = name


class UnknownDatabase(DatabaseFault):
    """There is no such database here."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        names = ", ".join(repr(known) for known in self.known) or "none yet"
        super().__init__(
            f"There is no database {name!r}. There are: {names}. `db_execute` and `db_migrate` make a new one."
        )


class UnknownTable(DatabaseFault):
    """The database has no such table or view."""

    def __init__(self, table: str, known: Iterable[str]) -> None:
        self.table = table
        self.known = tuple(known)
        names = ", ".join(repr(known) for known in self.known) or "none"
        super().__init__(f"There is no table or view {_shown(table)}. There are: {names}.")


class NotADatabase(DatabaseFault):
    """The file is damaged or something else."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name!r} cannot be read as a SQLite database: {reason}. Use another one; see `db_list`."
        )
        self.name = name
        self.reason = reason


class NoBuild(DatabaseFault):
    """The grant's names cannot name a folder."""

    def __init__(self, build: str, tree: str) -> None:
        super().__init__(
            f"The grant of build {build!r}, {tree!r} names no folder. Ask the orchestrator for a new one."
        )
        self.build = build
        self.tree = tree


class ReadingOnly(DatabaseFault):
    """A tool that only reads was given something that writes."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This tool only reads, and {what} is refused. Change data with `db_execute`.")
        self.what = what


class StatementRefused(DatabaseFault):
    """The statement reaches beyond its own database, or changes how the engine works."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} is refused. {instead}")
        self.what = what
        self.instead = instead


class StatementFailed(DatabaseFault):
    """SQLite could not run the statement."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"SQLite says: {_shown(reason, quote=False)}. Mend the statement; `db_schema` shows the tables."
        )
        self.reason = reason


class NothingToRun(DatabaseFault):
    """There is no statement in the text."""

    def __init__(self) -> None:
        super().__init__("`sql` holds no statement. Give one, e.g. `SELECT * FROM todos WHERE id = ?`.")


class GivesNoRows(DatabaseFault):
    """The statement is no query."""

    def __init__(self) -> None:
        super().__init__(
            "The statement gives no rows. This tool takes a SELECT; change data with `db_execute`."
        )


class OneStatement(DatabaseFault):
    """The text holds more than one statement."""

    def __init__(self) -> None:
        super().__init__("`sql` holds more than one statement. Send them one at a time, or as a migration.")


class BadParameter(DatabaseFault):
    """A value that SQLite cannot store."""

    def __init__(self, position: int, kind: str) -> None:
        super().__init__(
            f"Parameter {position} is {kind}. Parameters are text, numbers, true, false or null; send JSON as text."
        )
        self.position = position
        self.kind = kind


class TookTooLong(DatabaseFault):
    """The statement's time was over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The statement was stopped after {seconds:.0f} s. Ask for less: a narrower WHERE, a LIMIT, an index "
            "(`db_explain` shows which tables are scanned)."
        )
        self.seconds = seconds


class RowTooLarge(DatabaseFault):
    """One row alone is more than a page."""

    def __init__(self, row: int, size: int, limit: int) -> None:
        super().__init__(
            f"Row {row} has {size} characters and {limit} is the most. Select fewer columns, or parts of them with "
            "`substr(column, 1, 1000)`."
        )
        self.row = row
        self.size = size
        self.limit = limit


class ValueTooLarge(DatabaseFault):
    """A text or blob, read or made by the statement, is too large."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A value has more than {limit} bytes, which is the most. Work on smaller values.")
        self.limit = limit


class DatabaseFull(DatabaseFault):
    """The database would grow beyond its limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The database would be larger than {limit} bytes, or the disk is full. Delete rows that are not needed."
        )
        self.limit = limit


class DatabaseBusy(DatabaseFault):
    """Somebody else kept the database locked."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(
            f"The database {name!r} was locked by another program for {seconds:.0f} s. Call again."
        )
        self.name = name


class DestructiveStatement(DatabaseFault):
    """The statement drops something, and nobody said that it should."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is refused, because it cannot be taken back. Set `destructive` if it is meant, or write a migration."
        )
        self.what = what


def _shown(text: str, *, quote: bool = True) -> str:
    short = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
    return repr(short) if quote else short
