"""`provider:model`, as it stands in `--master`, `--worker`, `MASTER_MODEL` and `WORKER_MODEL`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from codegod_models.faults import BadModelName

ProviderKind = Literal["anthropic", "ollama", "openai", "host", "simulator"]

_KINDS: tuple[str, ...] = get_args(ProviderKind)
_WITHOUT_MODEL = frozenset({"host", "simulator"})  # the part after the colon is optional: a client, a folder
_DOTTED_VERSION = re.compile(r"(?<=\d)\.(?=\d)")
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ModelName:
    """One model. `simulated` says that no language model stands behind it, whatever `model` is called."""

    provider: ProviderKind
    model: str
    simulated: bool = False

    def __str__(self) -> str:
        """The name as it may be shown and stored; `parse_model` reads it back as the same model, still simulated."""
        if self.simulated:
            return f"simulator:{self.model}" if self.model else "simulator"
        return f"{self.provider}:{self.model}" if self.model else self.provider


def parse_model(text: str) -> ModelName:
    """The model that `text` names; raises `BadModelName`.

    A prefix counts as a provider only if it is one. Otherwise `claude…` is Anthropic's, `gpt…` OpenAI's and anything
    else Ollama's, whose own names hold colons.
    """
    given = text.strip()
    if not given:
        raise BadModelName(text, "it is empty")
    prefix, _, rest = given.partition(":")
    kind = prefix.lower()
    if kind not in _KINDS:
        return _named(_guess(given), given, text)
    if not rest and kind not in _WITHOUT_MODEL:
        raise BadModelName(text, f"the model is missing after {prefix!r}")
    return _named(cast("ProviderKind", kind), rest, text)


def _guess(model: str) -> ProviderKind:
    lowered = model.lower()
    if lowered.startswith("claude"):
        return "anthropic"
    return "openai" if lowered.startswith("gpt") else "ollama"


def _named(kind: ProviderKind, model: str, text: str) -> ModelName:
    if kind == "simulator":
        return ModelName(kind, model, simulated=True)  # a folder: spaces are welcome
    if _UNPRINTABLE.search(model):
        raise BadModelName(text, "it holds white space")
    if kind == "anthropic":
        model = _DOTTED_VERSION.sub(
            "-", model
        )  # people write claude-sonnet-4.5; the API writes claude-sonnet-4-5
    return ModelName(kind, model)
