"""The tools that change memory: put, index, delete."""

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_kit import Workspaces
from codegod_memory.arguments import AnySource, AnyTask, EntryId, Scope, Source, Tags, Task, Text
from codegod_memory.documents import Labelled, document
from codegod_memory.faults import MixedDeletion, NothingNamed, NothingToKeep, UnknownEntry
from codegod_memory.filters import Filter
from codegod_memory.indexing import index
from codegod_memory.packing import without_recalled
from codegod_memory.reading import read
from codegod_memory.records import EntryType, Forgotten, IndexReport, Platform, Stored
from codegod_memory.scopes import Scopes
from codegod_memory.store import Store
from codegod_memory.writing import Removed, put, remove_entry, remove_matching, remove_older

_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_REMOVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


def register_keeping(server: MCPServer[Any], scopes: Scopes, workspaces: Workspaces) -> None:
    """Add `memory_put`, `memory_index` and `memory_delete`."""

    @server.tool(annotations=_ADDS)
    def memory_put(
        text: Text,
        type: EntryType,
        source: Source,
        scope: Scope = "",
        task: Task = "",
        platform: Platform = "",
        tags: Tags = [],  # noqa: B006 - pydantic copies it
        replace: Annotated[
            bool, Field(description="Remove what this source, type and task held before")
        ] = False,
    ) -> Stored:
        """Remember a text, so that `memory_search` and `memory_pack` find it.

        A text that is known already is not stored twice, and passages quoted from `memory_pack` are left out.
        Example: text="Dates are stored in UTC.", type="note", source="decisions".
        """
        return _put(
            scopes.store(scope), text, Labelled(type, source, "written", task, platform, tags), replace
        )

    @server.tool(annotations=_ADDS)
    def memory_index(
        workspace: Annotated[
            str, Field(description="The tree to read; empty for this server's own folder")
        ] = "",
        scope: Scope = "",
        task: Task = "",
        paths: Annotated[
            list[str], Field(description='Files, folders or globs; empty for all, e.g. ["src"]')
        ] = [],  # noqa: B006
    ) -> IndexReport:
        """Remember the text files of a workspace, function by function, and forget files that are gone.

        Call it again after changes: only what changed is read anew. Another tree of the same project takes the place
        of the one before. Example: paths=["src", "*.md"].
        """
        return index(scopes.store(scope), workspaces.path(workspace), task, paths)

    @server.tool(annotations=_REMOVES)
    def memory_delete(
        id: EntryId = "",
        source: AnySource = "",
        task: AnyTask = "",
        scope: Scope = "",
        everything: Annotated[bool, Field(description="Forget the whole scope")] = False,
    ) -> Forgotten:
        """Forget one entry, or all that a source or a task stored. Example: source="src/todo/old.py"."""
        ways = [bool(id), bool(source or task), everything]
        if not any(ways):
            raise NothingNamed
        if sum(ways) > 1:
            raise MixedDeletion
        return _forget(scopes.store(scope), id, Filter(source=source, task=task))


def _put(store: Store, text: str, label: Labelled, replace: bool) -> Stored:
    with store.reading() as connection:

        def stored(piece: str) -> str | None:
            found = read(connection, piece)
            return None if found is None else found.text

        kept, recalled = without_recalled(text, stored)
    if not kept.strip():
        raise NothingToKeep(recalled)
    new = document(kept, label)
    with store.writing() as connection:
        # Whoever replaces a text means the new one, even when it is a piece of the old.
        key, chunks = put(connection, new, pieces_too=not replace)
        older = remove_older(connection, label, keep=key) if replace else Removed(0, 0)
    return Stored(
        id=key, scope=store.scope, stored=chunks > 0, chunks=chunks, replaced=older.labels, recalled=recalled
    )


def _forget(store: Store, entry: str, wanted: Filter) -> Forgotten:
    with store.writing() as connection:
        removed = remove_entry(connection, entry) if entry else remove_matching(connection, wanted)
    if entry and not removed.labels:
        raise UnknownEntry(entry, store.scope)
    return Forgotten(scope=store.scope, labels=removed.labels, entries=removed.documents)
