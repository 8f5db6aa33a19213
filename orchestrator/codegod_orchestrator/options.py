"""What a build was asked for, beside its prompt; kept in the journal so that a resumed build means the same."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from codegod_orchestrator.limits import Limits

PARALLEL_TASKS = 2  # two local answers at a time saturate one GPU; MAX_PARALLEL_TASKS raises it
ANSWER_TOKENS = 8_192  # two files of 200 lines and some room
CONTEXT_TOKENS = 16_384  # what a 7B coder on an 8 GiB card holds beside its weights


class Origin(BaseModel):
    """The user's repository that a change starts from, and the branch that it is handed over as."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    commit: str
    branch: str


class BuildOptions(BaseModel):
    """The user's choices, as text that the journal can keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    master: str
    ladder: tuple[str, ...]
    """The models that try a task, weakest first."""
    max_parallel: int = PARALLEL_TASKS
    stack: dict[str, str] = {}
    platforms: tuple[str, ...] = ()
    api_specs: tuple[str, ...] = ()
    """URLs, or the text of a specification that the door has read from a file."""
    plan: str = ""
    """The text of a plan.yaml that the user hands in; empty: the master plans."""
    context_tokens: int = CONTEXT_TOKENS
    answer_tokens: int = ANSWER_TOKENS
    origin: Origin | None = None
    """What is to be changed; None: a new application is built."""
    limits: Limits = Limits()
    """What the build may take at most, as it was started; a resume may change it."""

    @property
    def wishes(self) -> tuple[str, ...]:
        """What the user fixed, in sentences for the master."""
        stack = [f"{part}: {choice}" for part, choice in self.stack.items()]
        platforms = [f"platforms: {', '.join(self.platforms)}"] if self.platforms else []
        return (*stack, *platforms)
