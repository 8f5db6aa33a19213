"""Finds the pieces that answer a query: every retriever's ranking, put together."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codegod_memory.filters import Filter
from codegod_memory.lexical import Scored, search_words
from codegod_memory.records import EntryType, Origin, Platform, Retriever

# Nobody reads further; a caller who finds nothing in so many should ask otherwise.
SEARCH_DEPTH = 200
# Several good pieces in one file say that the file is right: its best ones lend each other a part of their score.
# Measured on changelog -> file and docstring -> function: a point of recall@5 and of the pack, nothing lost.
_NEIGHBOURS = 3
_NEIGHBOUR_SHARE = 0.2
# A reader who sees ten hits should see more than one file. Measured: with three a file, ten hits name the right file
# as often as two hundred do; the right function comes a shade later.
_HITS_A_FILE = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk that answers a query, with one label of its entry that met the filter."""

    id: str
    label: int
    origin: Origin
    type: EntryType
    source: str
    task: str
    platform: Platform
    name: str
    text: str
    text_hash: str
    first_line: int
    last_line: int
    score: float
    retriever: Retriever


def find(connection: sqlite3.Connection, query: str, wanted: Filter) -> list[Found]:
    """The pieces that answer `query`, best first, the same text only once."""
    scored = search_words(connection, query, wanted, SEARCH_DEPTH)
    return list(_once(_lend(_load(connection, scored, wanted))))


def spread(found: Sequence[Found]) -> list[Found]:
    """The same pieces, those of a file after its third put behind all others and scored below them."""
    seen: Counter[str] = Counter()
    first: list[Found] = []
    later: list[Found] = []
    for one in found:
        seen[one.source] += 1
        (first if seen[one.source] <= _HITS_A_FILE else later).append(one)
    if not later:
        return first
    below = min(1.0, first[-1].score / later[0].score)
    return first + [replace(one, score=one.score * below) for one in later]


def _load(connection: sqlite3.Connection, scored: Sequence[Scored], wanted: Filter) -> list[Found]:
    conditions, values = wanted.where()
    marks = ", ".join("?" * len(scored))
    rows = connection.execute(
        f"""SELECT c.id AS row, d.key || '.' || c.ordinal AS id, l.id AS label, l.origin, l.type, l.source, l.task,
                   l.platform, c.name, c.text, c.text_hash, c.first_line, c.last_line
            FROM chunks AS c JOIN documents AS d ON d.id = c.document
            JOIN labels AS l ON l.id = (
                SELECT min(l.id) FROM labels AS l WHERE l.document = d.id {"AND " + conditions if conditions else ""}
            ) WHERE c.id IN ({marks})""",  # noqa: S608
        (*values, *(one.chunk for one in scored)),
    )
    loaded = {row["row"]: {name: row[name] for name in row.keys()[1:]} for row in rows}
    return [Found(**loaded[one.chunk], score=one.score, retriever="lexical") for one in scored]


def _lend(found: Sequence[Found]) -> list[Found]:
    """The pieces with the share of a score that their file's best pieces lend them, best first."""
    best: defaultdict[str, list[float]] = defaultdict(list)
    for one in found:
        best[one.source].append(one.score)
    lent = {source: _NEIGHBOUR_SHARE * sum(scores[:_NEIGHBOURS]) for source, scores in best.items()}
    raised = [replace(one, score=one.score + lent[one.source]) for one in found]
    return sorted(raised, key=lambda one: -one.score)


def _once(found: Sequence[Found]) -> Iterator[Found]:
    seen: set[str] = set()
    for one in found:
        if one.text_hash not in seen:
            seen.add(one.text_hash)
            yield one
