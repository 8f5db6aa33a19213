"""Why a call was answered without a result, in words that a small model can act on."""

from collections.abc import Iterable

from pydantic import ValidationError

from codegod_kit.faults import ToolFault


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
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
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
