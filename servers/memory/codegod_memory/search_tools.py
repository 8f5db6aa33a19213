"""The tools that find: search and pack."""

import sqlite3
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_kit import page_list
from codegod_memory.arguments import HITS, AllTags, AnyTask, Cursor, Query, Scope
from codegod_memory.filters import Filter
from codegod_memory.packing import Packed, pack
from codegod_memory.reading import tags_of
from codegod_memory.records import AnyType, Hit, Pack, PackItem, Platform, SearchResult
from codegod_memory.scopes import Scopes
from codegod_memory.search import Found, find, spread

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
# A function of 30 lines; who needs more reads the piece, and ten hits stay within a small model's window.
_HIT_CHARS = 1_200
# Half of the window that we give to small models, for those who have nothing else to say.
_BUDGET_TOKENS = 16_384
# A word that most pieces hold counts for a millionth in FTS5: still more than none.
_SCORE_DIGITS = 6


def register_search(server: MCPServer[Any], scopes: Scopes) -> None:
    """Add `memory_search` and `memory_pack`."""

    @server.tool(annotations=_READS)
    def memory_search(
        query: Query,
        scope: Scope = "",
        limit: Annotated[int, Field(ge=1, le=HITS, description="Hits a page")] = 10,
        type: AnyType = "",
        task: AnyTask = "",
        platform: Platform = "",
        tags: AllTags = [],  # noqa: B006 - pydantic copies it
        cursor: Cursor = "",
    ) -> SearchResult:
        """Find the functions, sections and notes that share words with the query, best first.

        Example: query="validate email address", type="code".
        """
        store = scopes.store(scope)
        wanted = Filter(type=type, task=task, platform=platform, tags=tags)
        with store.reading() as connection:
            found = spread(find(connection, query, wanted))
            page = page_list(found, cursor, of=f"{store.scope} {wanted} {query}", limit=limit)
            hits = [_hit(connection, one) for one in page.items]
        return SearchResult(scope=store.scope, hits=hits, total=page.total, next_cursor=page.next_cursor)

    @server.tool(annotations=_READS)
    def memory_pack(
        query: Query,
        budget_tokens: Annotated[
            int, Field(ge=1, le=_BUDGET_TOKENS, description="The most tokens to give")
        ] = 2048,
        scope: Scope = "",
        type: AnyType = "",
        task: AnyTask = "",
        platform: Platform = "",
        tags: AllTags = [],  # noqa: B006 - pydantic copies it
    ) -> Pack:
        """Collect the best passages for a question into one text that fits a token budget, each with its source.

        Example: query="how todos are stored", budget_tokens=1500.
        """
        store = scopes.store(scope)
        with store.reading() as connection:
            found = find(connection, query, Filter(type=type, task=task, platform=platform, tags=tags))
        return _pack(store.scope, found, budget_tokens)


def _pack(scope: str, found: list[Found], budget: int) -> Pack:
    packed = pack(found, budget)
    return Pack(
        scope=scope,
        text="".join(passage.text for passage in packed),
        tokens=sum(passage.tokens for passage in packed),
        budget_tokens=budget,
        items=[_item(passage) for passage in packed],
        left_out=len(found) - len(packed),
    )


def _hit(connection: sqlite3.Connection, found: Found) -> Hit:
    return Hit(
        id=found.id,
        type=found.type,
        source=found.source,
        name=found.name,
        first_line=found.first_line,
        last_line=found.last_line,
        score=round(found.score, _SCORE_DIGITS),
        retriever=found.retriever,
        task=found.task,
        platform=found.platform,
        tags=tags_of(connection, found.label),
        origin=found.origin,
        text=found.text[:_HIT_CHARS],
        truncated=len(found.text) > _HIT_CHARS,
    )


def _item(passage: Packed) -> PackItem:
    found = passage.found
    return PackItem(
        id=found.id,
        source=found.source,
        name=found.name,
        first_line=found.first_line,
        last_line=passage.last_line,
        score=round(found.score, _SCORE_DIGITS),
        retriever=found.retriever,
        tokens=passage.tokens,
        trimmed=passage.trimmed,
    )
