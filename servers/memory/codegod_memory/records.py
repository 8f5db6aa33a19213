"""What the memory tools take and give."""

from typing import Literal

from pydantic import BaseModel, Field

EntryType = Literal["api_doc", "code", "task", "test", "error", "note"]
AnyType = Literal["", "api_doc", "code", "task", "test", "error", "note"]
Platform = Literal["", "backend", "web", "cli", "ios", "android"]
Origin = Literal["written", "indexed"]
Retriever = Literal["lexical"]


class Stored(BaseModel):
    """What became of a text."""

    id: str
    scope: str
    stored: bool = Field(description="False when this scope already held the text")
    chunks: int = Field(description="Pieces that were added")
    replaced: int = Field(description="Older entries that `replace` removed")
    recalled: int = Field(description="Recalled passages that were left out of the text")


class IndexReport(BaseModel):
    """What became of a workspace's files."""

    scope: str
    files: int = Field(description="Text files that memory now holds for these paths")
    added: int
    changed: int
    unchanged: int
    removed: int = Field(description="Files that memory held and that are gone")
    chunks: int = Field(description="Pieces that were added")
    skipped: list[str] = Field(description="Some of the files that were left out, each with the reason")
    skipped_total: int
    complete: bool = Field(description="False when a limit ended the walk; nothing was removed then")


class Hit(BaseModel):
    """One piece that answers a query."""

    id: str = Field(description="For `memory_get`")
    type: EntryType
    source: str
    name: str = Field(description="Function, class or heading; empty for the file itself")
    first_line: int
    last_line: int
    score: float
    retriever: Retriever
    task: str
    platform: Platform
    tags: list[str]
    origin: Origin
    text: str
    truncated: bool = Field(description="The piece is longer than `text`: read it with `memory_get`")


class SearchResult(BaseModel):
    """Pieces, best first."""

    scope: str
    hits: list[Hit]
    total: int
    next_cursor: str


class PackItem(BaseModel):
    """Where one passage of a pack comes from."""

    id: str
    source: str
    name: str
    first_line: int
    last_line: int
    score: float
    retriever: Retriever
    tokens: int
    trimmed: bool


class Pack(BaseModel):
    """Passages for a prompt, within a token budget."""

    scope: str
    text: str
    tokens: int = Field(description="Estimated on the high side; no model's tokenizer was used")
    budget_tokens: int
    items: list[PackItem]
    left_out: int = Field(description="Passages that were found and did not fit")


class Label(BaseModel):
    """What an entry was stored as; one text may be stored as several things."""

    type: EntryType
    source: str
    task: str
    platform: Platform
    origin: Origin
    tags: list[str]


class Entry(BaseModel):
    """One text in memory."""

    id: str
    created: str
    chunks: int
    chars: int
    labels: list[Label]


class EntryList(BaseModel):
    """Entries in the order in which they were stored."""

    scope: str
    entries: list[Entry]
    next_cursor: str


class EntryText(BaseModel):
    """The text of an entry or of one of its pieces."""

    id: str
    text: str
    next_cursor: str
    total_chars: int
    labels: list[Label]


class Forgotten(BaseModel):
    """What a deletion removed."""

    scope: str
    labels: int = Field(description="Labels removed")
    entries: int = Field(description="Texts removed, because no label was left")


class MemoryStatus(BaseModel):
    """How this memory works, and what it holds."""

    scope: str
    mode: Literal["lexical"]
    degraded: bool = Field(description="True while similarity by meaning is not searched")
    reason: str
    entries: int
    chunks: int
    by_type: dict[str, int]
    bytes: int
    sqlite: str
