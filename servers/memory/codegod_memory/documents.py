"""A text as memory keeps it: its identity, its pieces and what it was stored as."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from codegod_memory.chunks import Chunk, cut
from codegod_memory.records import EntryType, Origin, Platform


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a text is stored as."""

    type: EntryType
    source: str
    origin: Origin
    task: str = ""
    platform: Platform = ""
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A text, cut and ready to be stored."""

    key: str
    text_hash: str
    label: Labelled
    chunks: tuple[Chunk, ...]


def document(text: str, label: Labelled) -> Document:
    """`text`, ready to be stored.

    A written text is one and the same whatever it is called. Equal files under different paths stay apart: their
    paths are part of what is found.
    """
    key = file_key(label.source, text) if label.origin == "indexed" else _key("text", text)
    return Document(key, text_hash(text), label, cut(label.source, text))


def file_key(source: str, text: str) -> str:
    """The id of an indexed file: another as soon as its path or its text changes."""
    return _key("file", source, text)


def text_hash(text: str) -> str:
    """The same for texts that differ in nothing but blanks at the ends of lines and around the whole."""
    return _digest("\n".join(line.rstrip() for line in text.strip().split("\n")))


def _key(*parts: str) -> str:
    # 64 bits: among a million texts the chance of one mix-up is about one in forty million.
    return _digest("\0".join(parts))[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
