"""The arguments that several tools take, in the words that a small model reads."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ADDS_ONCE = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
REMOVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)

Workspace = Annotated[str, Field(description="The tree to work in, e.g. `b1/storage.2`; empty is your own")]
Revision = Annotated[str, Field(description="A branch, tag or commit id, e.g. `main` or `HEAD~1`")]
Cursor = Annotated[str, Field(description="`next_cursor` of the page before; empty is the first page")]
Paths = Annotated[list[str], Field(description="Only these files or folders, e.g. `src/app.py`; [] is all")]
Trailers = Annotated[
    list[str], Field(description="Lines that close the message, e.g. `Task-Id: storage`", max_length=20)
]
Message = Annotated[str, Field(description="What changed and why, e.g. `Add the storage module`")]
Limit = Annotated[int, Field(description="How many to give at most, e.g. 20", ge=1, le=100)]
