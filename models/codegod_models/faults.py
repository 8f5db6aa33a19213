"""What can go wrong between a request and a reply.

ModelFault                     the caller or the user must act; its text names the next step
├── BadModelName, BadSetting
├── MissingKey, KeyRefused, Unreachable, UnknownModel, NotPulled, NoHost       said by `check`, before any work
├── RequestRefused             the server will refuse this request every time
├── PromptTooLong              it does not fit the context: nothing was sent
│   └── PromptRefused          the server said so
├── PromptCut                  the server answered after dropping the front of the prompt
├── Unanswered                 no host answered the question in time
├── GaveUp, OutOfTime          raised by `complete` alone
└── TransientFault             the same request may work in a moment: `complete` sends it again
    ├── Busy                   429, 5xx, overloaded
    ├── StreamCut              the answer ended without its end
    ├── Stalled                no sign of life for the idle limit
    ├── ConnectionLost         refused, reset or never answered
    └── ToolCallInvalid        a tool call that does not fit the tool's schema
"""

from __future__ import annotations


class ModelFault(Exception):
    """A model cannot answer; the message says why and what to do next."""


class BadModelName(ModelFault):
    def __init__(self, text: str, why: str) -> None:
        super().__init__(
            f"{text!r} names no model: {why}. Write provider:model, for example "
            "'anthropic:claude-sonnet-5-5', 'ollama:qwen2.5-coder:7b' or 'simulator'."
        )
        self.text = text


class BadSetting(ModelFault):
    def __init__(self, variable: str, value: str, wanted: str) -> None:
        super().__init__(f"{variable}={value!r} is not {wanted}. Correct it or unset it.")
        self.variable = variable
        self.value = value


class MissingKey(ModelFault):
    def __init__(self, model: str, variable: str) -> None:
        super().__init__(
            f"{model!r} needs {variable}, which is not set. Set it (export {variable}=…), or choose another model: "
            "'ollama:qwen2.5-coder:7b' runs locally, 'simulator' needs no model at all."
        )
        self.variable = variable


class KeyRefused(ModelFault):
    def __init__(self, url: str, variable: str, said: str) -> None:
        super().__init__(f"{url} refused the key in {variable} ({said}). Put a valid key into {variable}.")
        self.variable = variable


class Unreachable(ModelFault):
    def __init__(self, url: str, why: str, remedy: str) -> None:
        super().__init__(f"No model server answers at {url} ({why}). {remedy}")
        self.url = url


class UnknownModel(ModelFault):
    def __init__(self, model: str, url: str, known: tuple[str, ...]) -> None:
        there = f"It has {', '.join(known)}. Choose one of them." if known else "It lists no model at all."
        super().__init__(f"{url} has no model {model!r}. {there}")
        self.model = model
        self.known = known


class NotPulled(ModelFault):
    def __init__(self, model: str, url: str, present: tuple[str, ...] = ()) -> None:
        there = f" (it has {', '.join(present)})" if present else ""
        super().__init__(f"Ollama at {url} has no model {model!r}{there}. Run: ollama pull {model}")
        self.model = model
        self.command = f"ollama pull {model}"


class RequestRefused(ModelFault):
    def __init__(self, model: str, status: int, said: str) -> None:
        super().__init__(f"{model!r} refused the request (HTTP {status}): {said}")
        self.model = model
        self.status = status
        self.said = said


class PromptTooLong(ModelFault):
    """The prompt and the answer asked for do not fit the context; nothing was sent."""

    def __init__(
        self, model: str, prompt_tokens: int, answer_tokens: int, context_tokens: int, *, setting: str = ""
    ) -> None:
        remedy = f", or raise {setting} if the model and its memory allow it" if setting else ""
        super().__init__(
            f"{model!r}: about {prompt_tokens} tokens of prompt and {answer_tokens} of answer do not fit a context of "
            f"{context_tokens}. Cut the task smaller{remedy}."
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens: int | None = context_tokens


class PromptRefused(PromptTooLong):
    """The server knows better than our estimate that the prompt does not fit."""

    def __init__(self, model: str, prompt_tokens: int, said: str) -> None:
        ModelFault.__init__(
            self,
            f"{model!r}: the server refuses a prompt of about {prompt_tokens} tokens as too long ({said}). Cut the task "
            "smaller, or use a model with a larger context.",
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = None
        self.said = said


class PromptCut(ModelFault):
    """The server evaluated far fewer tokens than were sent: it dropped the front, where the instructions stand."""

    def __init__(self, model: str, evaluated: int, expected: int, remedy: str) -> None:
        super().__init__(
            f"{model!r} read {evaluated} tokens of a prompt of about {expected}: the server cut its front off. {remedy}"
        )
        self.evaluated = evaluated
        self.expected = expected


class NoHost(ModelFault):
    """A `host:` model where no MCP client can be connected."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model!r} is whoever is connected to codegod-orchestrator over MCP, and nobody can be connected to this "
            "command. Add codegod-orchestrator to Claude Desktop, Claude Code or another MCP host and ask there for "
            'build_start(prompt="…", master="host:"); docs/host-models.md shows how. Or name another model here.'
        )
        self.model = model


class Unanswered(ModelFault):
    def __init__(self, model: str, question: str, seconds: float) -> None:
        super().__init__(
            f"{model!r}: nobody answered question {question!r} within {seconds:.0f} s. Connect a host that calls "
            "question_next and question_answer, then resume the build; CODEGOD_HOST_SECONDS says how long to wait."
        )
        self.question = question


class OutOfTime(ModelFault):
    def __init__(self, model: str, seconds: float) -> None:
        super().__init__(
            f"{model!r} had not finished its answer after {seconds:.0f} s, when the time for it ran out. Give the task "
            "more time, or use a faster model."
        )


class GaveUp(ModelFault):
    """Every allowed try failed in a way that might have passed; `__cause__` is the last of them."""

    def __init__(self, model: str, tries: int, last: TransientFault, why: str) -> None:
        super().__init__(
            f"{model!r}: {last} Given up after {tries} {'try' if tries == 1 else 'tries'}: {why}."
        )
        self.tries = tries
        self.last = last


class TransientFault(ModelFault):
    """May pass by itself. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Busy(TransientFault):
    def __init__(self, kind: str, said: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"the server is in trouble ({kind}: {said}).", retry_after=retry_after)
        self.kind = kind


class StreamCut(TransientFault):
    def __init__(self, why: str) -> None:
        super().__init__(f"the answer was cut off ({why}).")


class Stalled(TransientFault):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server gave no sign of life for {seconds:g} s.")


class ConnectionLost(TransientFault):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url} cannot be reached ({why}).")


class ToolCallInvalid(TransientFault):
    def __init__(self, tool: str, why: str) -> None:
        super().__init__(f"the call of {tool!r} does not fit its schema ({why}).")
        self.tool = tool
