"""What is checked around every call, and what is said when it fails, in words that a small model can act on."""

from collections.abc import Iterable, Mapping
from typing import Any

from mcp_types import CallToolResult, InputRequiredResult, Tool
from pydantic import ValidationError
from pydantic_core import to_json

from codegod_kit.faults import ToolFault

# A quarter of the 1 MiB that the SDK's HTTP client takes in one event, and about as much as a large model can read.
RESULT_LIMIT_BYTES = 256 * 1024
# An error that echoes a megabyte of somebody's argument tells nobody anything.
FAULT_LIMIT_CHARS = 8000
# Arguments by which a tool of ours gives less, in the order in which an error proposes them.
_PAGING = (
    "cursor",
    "offset",
    "limit",
    "first_line",
    "last_line",
    "max_results",
    "budget_tokens",
    "depth",
    "path",
)
# A model mends a few arguments at a time.
_PROBLEMS_SHOWN = 8


class UnknownArguments(ToolFault):
    """The call names arguments that the tool does not have."""

    def __init__(self, tool: str, unknown: Iterable[str], known: Iterable[str]) -> None:
        self.tool = tool
        self.unknown = tuple(unknown)
        names = ", ".join(f"`{name}`" for name in known)
        wrong = ", ".join(repr(name) for name in self.unknown)
        have = f"Its arguments are {names}." if names else "It takes no arguments."
        super().__init__(f"`{tool}` has no argument {wrong}. {have}")


class InvalidArguments(ToolFault):
    """Arguments are missing or of the wrong kind."""

    def __init__(self, tool: str, error: ValidationError) -> None:
        self.tool = tool
        problems = "; ".join(
            f"`{'.'.join(str(part) for part in problem['loc'])}`: {problem['msg']}"
            for problem in error.errors(include_url=False, include_context=False, include_input=False)[
                :_PROBLEMS_SHOWN
            ]
        )
        super().__init__(f"`{tool}` was called wrongly: {problems}. Call it again with that mended.")


class ResultTooLarge(ToolFault):
    """The result would not fit in one answer."""

    def __init__(self, tool: str, size: int, limit: int, paging: Iterable[str]) -> None:
        self.tool = tool
        self.size = size
        names = ", ".join(f"`{name}`" for name in paging)
        ask = f"Ask for less with {names}." if names else "Ask for something smaller."
        super().__init__(f"The result of `{tool}` has {size} bytes; {limit} is the most. {ask}")


class CallTookTooLong(ToolFault):
    """The grant ended while the call was running."""

    def __init__(self, tool: str, attempt: str) -> None:
        super().__init__(f"`{tool}` was stopped: the time of attempt {attempt!r} is over.")
        self.tool = tool
        self.attempt = attempt


class FaultTooLong(ToolFault):
    """A fault whose own words would not fit; this has their beginning."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:FAULT_LIMIT_CHARS]} [... {len(text) - FAULT_LIMIT_CHARS} more characters]")


def require_known(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Return if the tool has all the arguments; small models invent some, and must not be left to believe in them."""
    known = _arguments(tool)
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise UnknownArguments(tool.name, unknown, known)


def require_bounded(tool: Tool, result: CallToolResult | InputRequiredResult) -> None:
    """Return if the result fits into one answer."""
    size = len(to_json(result, by_alias=True, exclude_none=True))
    if size > RESULT_LIMIT_BYTES:
        paging = [name for name in _PAGING if name in _arguments(tool)]
        raise ResultTooLarge(tool.name, size, RESULT_LIMIT_BYTES, paging)


def _arguments(tool: Tool) -> Mapping[str, Any]:
    arguments: Mapping[str, Any] = tool.input_schema.get("properties", {})
    return arguments
