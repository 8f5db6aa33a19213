"""The tools that look at what is stored: get, list, status."""

import sqlite3
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_kit import page_text
from codegod_memory.arguments import ENTRIES, AllTags, AnySource, AnyTask, Cursor, EntryId, Scope
from codegod_memory.cursors import cursor_after, row_of
from codegod_memory.faults import UnknownEntry
from codegod_memory.filters import Filter
from codegod_memory.reading import count_all, count_by_type, entries, read
from codegod_memory.records import AnyType, EntryList, EntryText, MemoryStatus, Platform
from codegod_memory.scopes import Scopes

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
# Less than half of the kit's page: structured results are sent twice, as text and as data.
_PAGE_CHARS = 12_000
_REASON = (
    "This version searches by the words of code and text (BM25), not by meaning: ask with names and words that the "
    "wanted text is likely to hold."
)


def register_entries(server: MCPServer[Any], scopes: Scopes) -> None:
    """Add `memory_get`, `memory_list` and `memory_status`."""

    @server.tool(annotations=_READS)
    def memory_get(id: EntryId, scope: Scope = "", cursor: Cursor = "") -> EntryText:
        """Read the whole text of an entry, or of one piece of it. Example: id="3f9a0c52d1e7b846.2"."""
        store = scopes.store(scope)
        with store.reading() as connection:
            found = read(connection, id)
        if found is None:
            raise UnknownEntry(id, store.scope)
        page = page_text(found.text, cursor, limit=_PAGE_CHARS)
        return EntryText(
            id=id,
            text=page.text,
            next_cursor=page.next_cursor,
            total_chars=page.total_chars,
            labels=found.labels,
        )

    @server.tool(annotations=_READS)
    def memory_list(
        scope: Scope = "",
        type: AnyType = "",
        source: AnySource = "",
        task: AnyTask = "",
        platform: Platform = "",
        tags: AllTags = [],  # noqa: B006 - pydantic copies it
        limit: Annotated[int, Field(ge=1, le=ENTRIES, description="Entries a page")] = 50,
        cursor: Cursor = "",
    ) -> EntryList:
        """List what is stored, oldest first, without the texts. Example: type="error", task="storage"."""
        store = scopes.store(scope)
        wanted = Filter(type, source, task, platform, tags)
        of = f"{store.scope} {wanted}"
        with store.reading() as connection:
            shown, row = entries(connection, wanted, row_of(cursor, of), limit)
        return EntryList(scope=store.scope, entries=shown, next_cursor=cursor_after(row, of))

    @server.tool(annotations=_READS)
    def memory_status(scope: Scope = "") -> MemoryStatus:
        """Tell how memory searches, whether that is its best way, and how much it holds. It takes no arguments."""
        store = scopes.store(scope)
        with store.reading() as connection:
            documents, chunks, size = count_all(connection)
            by_type = count_by_type(connection)
        return MemoryStatus(
            scope=store.scope,
            mode="lexical",
            degraded=True,
            reason=_REASON,
            entries=documents,
            chunks=chunks,
            by_type=by_type,
            bytes=size,
            sqlite=sqlite3.sqlite_version,
        )
