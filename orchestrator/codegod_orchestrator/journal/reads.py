"""Reading the journal: plain functions from a connection to records."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, select

from codegod_orchestrator.blobs import BlobDamaged, BlobMissing, Blobs
from codegod_orchestrator.evidence import Evidence
from codegod_orchestrator.journal import schema
from codegod_orchestrator.journal.faults import JournalDamaged, UnknownBuild
from codegod_orchestrator.journal.records import (
    Attempt,
    Build,
    Contract,
    Event,
    ModelCall,
    RecordedModelCall,
    RecordedToolCall,
    Recovery,
    Task,
)
from codegod_orchestrator.journal.revision_writes import DROPPED
from codegod_workers.records import Finding

R = TypeVar("R")


def build(connection: Connection, name: str) -> Build:
    row = connection.execute(select(schema.builds).where(schema.builds.c.id == name)).one_or_none()
    if row is None:
        raise UnknownBuild(name)
    return _record(Build, row)


def builds(connection: Connection, limit: int) -> tuple[Build, ...]:
    newest = select(schema.builds).order_by(schema.builds.c.created.desc(), schema.builds.c.id).limit(limit)
    return tuple(_record(Build, row) for row in connection.execute(newest))


def tasks(connection: Connection, name: str) -> tuple[Task, ...]:
    table = schema.tasks
    wanted = select(table).where(table.c.position != DROPPED).order_by(table.c.position)
    rows = _rows_of(connection, name, wanted)
    pairs = connection.execute(select(schema.dependencies).where(schema.dependencies.c.build == name)).all()
    position = {row.id: row.position for row in rows}
    needs: dict[str, list[str]] = {row.id: [] for row in rows}
    for pair in pairs:
        needs[pair.task].append(pair.needs)
    return tuple(_task(row, sorted(needs[row.id], key=position.__getitem__)) for row in rows)


def attempts(connection: Connection, name: str, task: str = "") -> tuple[Attempt, ...]:
    table = schema.attempts
    wanted = select(table).order_by(table.c.dispatched, table.c.task, table.c.number)
    if task:  # by number: the clock may be set back between two tries
        wanted = select(table).where(table.c.task == task).order_by(table.c.number)
    return tuple(_attempt(row) for row in _rows_of(connection, name, wanted))


def attempt(connection: Connection, name: str, attempt: str) -> Attempt:
    table = schema.attempts
    wanted = select(table).where(table.c.build == name, table.c.id == attempt)
    return _attempt(connection.execute(wanted).one())


def recovery(connection: Connection, name: str, lost: Collection[str]) -> Recovery:
    """Where the build stands now that the attempts `lost` were given up."""
    everything = attempts(connection, name)
    current = {task.accepted_attempt for task in tasks(connection, name)}
    return Recovery(
        state=build(connection, name).state,
        accepted={one.task: one for one in everything if one.id in current},
        lost=tuple(one for one in everything if one.id in lost),
        ready=tuple(task.id for task in tasks(connection, name) if task.state == "ready"),
    )


def contracts(connection: Connection, name: str) -> tuple[Contract, ...]:
    rows = _rows_of(connection, name, select(schema.contracts).order_by(schema.contracts.c.version))
    return tuple(_record(Contract, row, evidence=Evidence.model_validate(row.evidence)) for row in rows)


def events(connection: Connection, name: str, after: int, limit: int) -> tuple[Event, ...]:
    table = schema.events
    wanted = select(table).where(table.c.seq > after).order_by(table.c.seq).limit(limit)
    return tuple(_record(Event, row) for row in _rows_of(connection, name, wanted))


def events_of(connection: Connection, name: str, kinds: Sequence[str]) -> tuple[Event, ...]:
    table = schema.events
    wanted = select(table).where(table.c.kind.in_(kinds)).order_by(table.c.seq)
    return tuple(_record(Event, row) for row in _rows_of(connection, name, wanted))


def model_calls(connection: Connection, name: str, blobs: Blobs | None) -> tuple[RecordedModelCall, ...]:
    """Without `blobs`, the texts of the calls are left out: adding up tokens reads no files."""
    rows = _rows_of(connection, name, select(schema.model_calls).order_by(schema.model_calls.c.number))
    return tuple(_model_call(row, blobs) for row in rows)


def wrote(connection: Connection, name: str, attempt: str, tools: Collection[str]) -> int:
    """How often one of `tools` worked in `attempt`; what they said stays unread."""
    table = schema.tool_calls
    of_attempt = (table.c.build == name) & (table.c.attempt == attempt) & ~table.c.is_error
    counted = select(func.count()).where(of_attempt, (table.c.server + "." + table.c.tool).in_(tools))
    return int(connection.scalar(counted) or 0)


def tool_calls(
    connection: Connection, name: str, blobs: Blobs, after: int, limit: int
) -> tuple[RecordedToolCall, ...]:
    table = schema.tool_calls
    wanted = select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
    return tuple(_tool_call(row, blobs) for row in _rows_of(connection, name, wanted))


def _rows_of(connection: Connection, name: str, wanted: Select[Any]) -> Sequence[Row[Any]]:
    """The rows of one build; no rows is a fault only when there is no such build."""
    table = wanted.get_final_froms()[0]
    rows = connection.execute(wanted.where(table.c.build == name)).all()
    if not rows:
        build(connection, name)
    return rows


def _record(record: type[R], row: Row[Any], **instead: Any) -> R:
    """A row as the record whose fields are its columns."""
    return record(**{**row._mapping, **instead})


def _task(row: Row[Any], depends: Iterable[str]) -> Task:
    values: dict[str, Any] = {**row._mapping, "depends": tuple(depends), "order": row.position}
    del values["position"]
    for name in ("files", "tests"):
        values[name] = tuple(values[name])
    return Task(**values)


def _attempt(row: Row[Any]) -> Attempt:
    evidence = None if row.evidence is None else Evidence.model_validate(row.evidence)
    findings = tuple(Finding.model_validate(one) for one in row.findings)
    return _record(Attempt, row, evidence=evidence, findings=findings)


def _model_call(row: Row[Any], blobs: Blobs | None) -> RecordedModelCall:
    values = dict(row._mapping)
    about = {name: values.pop(name) for name in ("build", "number", "at")}
    for name in ("request", "reply"):
        values[name] = "" if blobs is None else _kept(blobs, values[name])
    return RecordedModelCall(call=ModelCall(**values), **about)


def _tool_call(row: Row[Any], blobs: Blobs) -> RecordedToolCall:
    values = dict(row._mapping)
    for name in ("arguments", "data"):
        values[name] = json.loads(_kept(blobs, values[name]))
    values["text"] = _kept(blobs, values["text"])
    return RecordedToolCall(**values)


def _kept(blobs: Blobs, stored: str) -> str:
    try:
        return blobs.kept(stored)
    except BlobMissing as error:
        raise JournalDamaged(f"blob {error.digest!r}", "is missing") from error
    except BlobDamaged as error:
        raise JournalDamaged(f"blob {error.digest!r}", "does not hold what was written") from error
