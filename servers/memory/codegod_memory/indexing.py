"""Keeps a scope's memory of a workspace like the workspace: new files in, changed ones anew, vanished ones out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from codegod_kit import seconds_left
from codegod_memory.documents import Document, Labelled, document, file_key
from codegod_memory.faults import UnknownPaths
from codegod_memory.reading import indexed_keys
from codegod_memory.records import EntryType, IndexReport
from codegod_memory.store import Store
from codegod_memory.tree import TextFile, TreeReader, wants
from codegod_memory.writing import put_file, remove_file

# Pieces written in one transaction: a fraction of a second, so that other writers get their turn.
_BATCH_CHUNKS = 400
# Twice what the largest tree within the limits takes on two slow cores.
_SECONDS = 120.0
_SKIPPED_SHOWN = 20
_PROSE = frozenset({".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc"})
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "testing"})


@dataclass(slots=True)
class _Tally:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    chunks: int = 0
    seen: set[str] = field(default_factory=set)


def index(store: Store, folder: Path, task: str, paths: Sequence[str]) -> IndexReport:
    """Bring the memory of `paths` (none is everything) below `folder` up to date; files that are as before cost a hash."""
    with store.reading() as connection:
        known = indexed_keys(connection, task)
    reader = TreeReader(folder, paths, seconds_left(_SECONDS))
    tally = _Tally()
    for batch in _batches(_documents(reader, known, task, tally)):
        with store.writing() as connection:
            tally.chunks += sum(put_file(connection, one) for one in batch)
    wanted = [path for path in known if wants(paths, path)]
    if not (reader.matched or wanted or reader.cut) and paths:
        raise UnknownPaths(paths)
    if not reader.cut:
        _remove_vanished(store, task, wanted, tally)
    return _report(store.scope, reader, tally)


def _documents(reader: TreeReader, known: dict[str, str], task: str, tally: _Tally) -> Iterator[Document]:
    for file in reader:
        tally.seen.add(file.path)
        before = known.get(file.path)
        if before == file_key(file.path, file.text):
            tally.unchanged += 1
            continue
        tally.changed += before is not None
        tally.added += before is None
        yield document(file.text, Labelled(_type(file), file.path, "indexed", task))


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for one in documents:
        batch.append(one)
        if sum(len(document.chunks) for document in batch) >= _BATCH_CHUNKS:
            yield batch
            batch = []
    if batch:
        yield batch


def _remove_vanished(store: Store, task: str, known: Sequence[str], tally: _Tally) -> None:
    vanished = [path for path in known if path not in tally.seen]
    if vanished:
        with store.writing() as connection:
            tally.removed = sum(remove_file(connection, path, task).labels for path in vanished)


def _report(scope: str, reader: TreeReader, tally: _Tally) -> IndexReport:
    reasons = [*reader.skipped, reader.cut] if reader.cut else reader.skipped
    return IndexReport(
        scope=scope,
        files=len(tally.seen),
        added=tally.added,
        changed=tally.changed,
        unchanged=tally.unchanged,
        removed=tally.removed,
        chunks=tally.chunks,
        skipped=reasons[-_SKIPPED_SHOWN:],
        skipped_total=len(reader.skipped),
        complete=not reader.cut,
    )


def _type(file: TextFile) -> EntryType:
    path = PurePosixPath(file.path)
    stem = path.stem.lower()
    if (
        stem.startswith("test_")
        or stem.endswith(("_test", ".test", ".spec"))
        or _TEST_FOLDERS & set(path.parts[:-1])
    ):
        return "test"
    return "note" if path.suffix.lower() in _PROSE else "code"
