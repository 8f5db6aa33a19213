"""From a model's name to the client that reaches it. Each client library is imported when its first model is opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codegod_models.names import ModelName
from codegod_models.provider import Provider
from codegod_models.settings import ModelSettings

if TYPE_CHECKING:
    from codegod_models.host import Desk


def open_provider(name: ModelName, settings: ModelSettings, *, desk: Desk | None = None) -> Provider:
    """The client for `name`; nothing is sent yet. A `host` name asks at `desk`, and cannot be used without one.

    A `simulator` name is nobody's client: start the simulator, and open the models it announces with its URL as
    `base_url` and `simulated=True`.
    """
    name = replace(name, simulated=name.simulated or settings.simulated)
    if name.provider == "anthropic":
        from codegod_models.anthropic import AnthropicProvider

        return AnthropicProvider(name, settings)
    if name.provider == "ollama":
        from codegod_models.ollama import OllamaProvider

        return OllamaProvider(name, settings)
    if name.provider == "openai":
        from codegod_models.openai import OpenAiProvider

        return OpenAiProvider(name, settings)
    if name.provider == "host":
        from codegod_models.host import HostProvider

        return HostProvider(name, settings, desk)
    raise ValueError(f"{name} is played by a process: open the models that it announces")
