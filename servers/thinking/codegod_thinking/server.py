"""The thinking server: a place to think in steps, with revisions and branches. Takes the place of the reference server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from codegod_kit import ServerSettings, current_grant, page_text, tool_server
from codegod_thinking.callers import Chains, caller_of
from codegod_thinking.chain import BRANCHES, Chain, Thought
from codegod_thinking.faults import NoThoughts
from codegod_thinking.review import review

_INSTRUCTIONS = (
    "Think in steps with `sequentialthinking`: number them from 1, revise and branch as you learn, and set "
    "nextThoughtNeeded to false with the last. `thinking_review` shows the whole chain."
)
# Nothing but the caller's own notes changes, and saying the same thought twice changes nothing more.
THINKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
# A chapter; what is longer is no step.
_THOUGHT_CHARS = 64 * 1024
# Far beyond any chain; keeps a number from filling an answer.
_NUMBER_LIMIT = 100_000
_BRANCH_CHARS = 64
# The whole review of an ordinary chain, and well within the cap of an answer.
_REVIEW_CHARS = 16_000


def _or(default: Any) -> BeforeValidator:
    """Some hosts send null for what they leave out."""
    return BeforeValidator(lambda value: default if value is None else value)


Text = Annotated[str, Field(description="Your current thinking step", max_length=_THOUGHT_CHARS)]
NextNeeded = Annotated[bool, Field(description="Whether another thought step is needed")]
Number = Annotated[
    int,
    Field(
        description="Current thought number, e.g. 1, 2, 3; can go beyond the total", ge=1, le=_NUMBER_LIMIT
    ),
]
Total = Annotated[
    int, Field(description="Estimated total of thoughts needed, e.g. 5; can change", ge=1, le=_NUMBER_LIMIT)
]
IsRevision = Annotated[bool, _or(False), Field(description="Whether this revises previous thinking")]
Revises = Annotated[
    int,
    _or(0),
    Field(description="Which thought is being reconsidered, e.g. 2; 0 is none", ge=0, le=_NUMBER_LIMIT),
]
BranchFrom = Annotated[
    int,
    _or(0),
    Field(description="The thought from which this branches, e.g. 3; 0 is none", ge=0, le=_NUMBER_LIMIT),
]
BranchId = Annotated[
    str,
    _or(""),
    Field(description="Name of the branch, e.g. `plan-b`; empty is the trunk", max_length=_BRANCH_CHARS),
]
NeedsMore = Annotated[
    bool, _or(False), Field(description="At the end, but more thoughts are needed than planned")
]
ReviewCursor = Annotated[str, Field(description="Empty to begin; then `next_cursor` of the last answer")]


class Progress(BaseModel):
    """Where the chain stands, in the names of the reference server."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    thought_number: int
    total_thoughts: int
    next_thought_needed: bool
    branches: list[str] = Field(max_length=BRANCHES)
    thought_history_length: int


class Review(BaseModel):
    """A chain as it reads."""

    thoughts: int
    finished: bool
    branches: list[str]
    revised: list[int] = Field(description="Numbers of the thoughts that were revised later")
    next_cursor: str
    text: str


def build_server(settings: ServerSettings) -> MCPServer[Any]:
    """A server that keeps a chain of thoughts for each caller, in memory."""
    builds = Chains()

    @asynccontextmanager
    async def lifespan(_: MCPServer[Any]) -> AsyncIterator[Chains]:
        yield Chains()

    server = tool_server("thinking", settings, instructions=_INSTRUCTIONS, lifespan=lifespan)
    _add_thinking(server, builds)
    _add_review(server, builds)
    return server


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The entry point."""
    return build_server(settings)


def _add_thinking(server: MCPServer[Any], builds: Chains) -> None:
    # The arguments have the reference server's names, so that prompts written for it work.
    @server.tool(annotations=THINKS)
    async def sequentialthinking(
        thought: Text,
        nextThoughtNeeded: NextNeeded,
        thoughtNumber: Number,
        totalThoughts: Total,
        context: Context[Any, Any],
        isRevision: IsRevision = False,
        revisesThought: Revises = 0,
        branchFromThought: BranchFrom = 0,
        branchId: BranchId = "",
        needsMoreThoughts: NeedsMore = False,
    ) -> Progress:
        """Think about a hard problem in numbered steps; each may build on earlier ones, revise one or branch from one.

        Start with an estimate of totalThoughts and change it freely. Say what you are unsure of. Form a hypothesis,
        verify it, and set nextThoughtNeeded to false only when you have the answer. Example: thought "The store needs
        an index on due dates", thoughtNumber 1, totalThoughts 4, nextThoughtNeeded true.
        """
        step = Thought(
            text=thought,
            number=thoughtNumber,
            total=max(totalThoughts, thoughtNumber),
            last=not nextThoughtNeeded,
            revision=isRevision,
            revises=revisesThought,
            branch_from=branchFromThought,
            branch=branchId,
            unsure=needsMoreThoughts,
        )
        chain = _chains(context, builds).for_next(caller_of(context), step)
        chain.add(step)
        return _progress(chain, step)


def _add_review(server: MCPServer[Any], builds: Chains) -> None:
    @server.tool(annotations=THINKS)
    async def thinking_review(context: Context[Any, Any], cursor: ReviewCursor = "") -> Review:
        """Read your own chain of thoughts again: every step in order, with its revisions and branches."""
        chain = _chains(context, builds).find(caller_of(context))
        if not chain.thoughts:
            raise NoThoughts
        piece = page_text(review(chain), cursor, limit=_REVIEW_CHARS)
        return Review(
            thoughts=len(chain.thoughts),
            finished=chain.finished,
            branches=list(chain.branches),
            revised=sorted(chain.revised()),
            next_cursor=piece.next_cursor,
            text=piece.text,
        )


def _chains(context: Context[Any, Any], builds: Chains) -> Chains:
    """A build's chain outlives a connection; a connection's own chain ends with it."""
    connection: Chains = context.request_context.lifespan_context
    return connection if current_grant() is None else builds


def _progress(chain: Chain, step: Thought) -> Progress:
    return Progress(
        thought_number=step.number,
        total_thoughts=step.total,
        next_thought_needed=not step.last,
        branches=list(chain.branches),
        thought_history_length=len(chain.thoughts),
    )
