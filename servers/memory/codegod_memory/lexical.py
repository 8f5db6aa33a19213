"""The lexical retriever: BM25 over code words, in SQLite's FTS5."""

import sqlite3
from dataclasses import dataclass

from codegod_memory.chunks import Chunk
from codegod_memory.filters import Filter
from codegod_memory.tokens import code_words

# A match in a function's name tells more than one in its body, one in the path a little more. Measured on docstring ->
# function and changelog -> file in nine packages: the header counting more gained 3 points of MRR, how much is flat.
_PATH_WEIGHT, _NAME_WEIGHT, _BODY_WEIGHT = 2.0, 4.0, 1.0
# The rarest words of a long query decide it; each further one costs a walk through a posting list.
_QUERY_WORDS = 40
# A task's description with its acceptance sentences; what comes after that is not looked at.
_QUERY_WORDS_READ = 400
# Words of English sentences that say nothing about code. With them, the 10 words of a question drown its 3 that count:
# leaving them out gained 9 points of MRR in the same measurement.
_STOP_WORDS = frozenset(
    code_words(
        "a about all also an and any are as at be been but by can could did do does for from had has have how i if in into "
        "is it its may more must no not of on only or other our should so some such than that the their them then there "
        "these they this those to up use used was we were what when where which who why will with would you your"
    )
)


# The plus keeps SQLite from looking every allowed row up in the word index, one at a time.
_PASSES = (
    "AND +words.rowid IN (SELECT c.id FROM labels AS l JOIN chunks AS c ON c.document = l.document WHERE {})"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk's row id and how well it answers, higher is better."""

    chunk: int
    score: float


def add_words(connection: sqlite3.Connection, chunk_id: int, source: str, chunk: Chunk) -> None:
    """Make a stored chunk findable."""
    columns = (" ".join(code_words(text)) for text in (source, chunk.name, chunk.text))
    connection.execute(
        "INSERT INTO words (rowid, path, name, body) VALUES (?, ?, ?, ?)", (chunk_id, *columns)
    )


def search_words(connection: sqlite3.Connection, query: str, wanted: Filter, limit: int) -> list[Scored]:
    """The chunks that share words with `query`, best first; a chunk counts when one label of its entry passes."""
    match = _match(connection, query)
    if not match:
        return []
    conditions, values = wanted.where()
    rows = connection.execute(
        f"""SELECT words.rowid, bm25(words, {_PATH_WEIGHT}, {_NAME_WEIGHT}, {_BODY_WEIGHT}) AS cost FROM words
            WHERE words MATCH ? {_PASSES.format(conditions) if conditions else ""}
            ORDER BY cost, words.rowid LIMIT ?""",  # noqa: S608 - only our own conditions are put in
        (match, *values, limit),
    )
    return [Scored(row[0], -row[1]) for row in rows]


def _match(connection: sqlite3.Connection, query: str) -> str:
    """An FTS5 query for any of the words; each is quoted, and holds only letters and digits."""
    every = list(dict.fromkeys(code_words(query)))
    words = [word for word in every if word not in _STOP_WORDS] or every
    return " OR ".join(f'"{word}"' for word in _rarest(connection, words[:_QUERY_WORDS_READ]))


def _rarest(connection: sqlite3.Connection, words: list[str]) -> list[str]:
    if len(words) <= _QUERY_WORDS:
        return words
    marks = ", ".join("?" * len(words))
    rows = connection.execute(
        f"SELECT term FROM word_counts WHERE term IN ({marks}) ORDER BY doc, term LIMIT ?",  # noqa: S608
        (*words, _QUERY_WORDS),
    )
    return [row[0] for row in rows]
