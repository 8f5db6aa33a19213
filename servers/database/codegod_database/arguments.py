"""The arguments that several database tools share, and their limits."""

from typing import Annotated, Any

from mcp_types import ToolAnnotations
from pydantic import Field

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
# Whoever asks a scratch database something that takes longer has made a mistake.
STATEMENT_SECONDS = 10.0

Name = Annotated[str, Field(max_length=100, description="The database, e.g. `scratch`")]
SqlText = Annotated[str, Field(max_length=100_000, description="One statement, with `?` for every value")]
Parameters = Annotated[
    list[Any], Field(max_length=1_000, description='A value for each `?`, e.g. ["open", 3]')
]
Cursor = Annotated[str, Field(max_length=100, description="`next_cursor` of the page before")]
