"""From a model's name to the client that reaches it. Each client library is imported when its first model is opened."""

from __future__ import annotations

from dataclasses import replace

from codegod_models.faults import NotBuilt
from codegod_models.names import ModelName
from codegod_models.provider import Provider
from codegod_models.settings import ModelSettings


def open_provider(name: ModelName, settings: ModelSettings) -> Provider:
    """The client for `name`; nothing is sent yet. Raises `NotBuilt`.

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
    if name.provider == "simulator":
        raise ValueError(f"{name} is played by a process: open the models that it announces")
    if name.provider == "openai":
        instead = f"Use an 'anthropic:' model; a local model of that name is 'ollama:{name.model}'."
    else:
        instead = "Use an 'anthropic:' or 'ollama:' model, or 'simulator'."
    raise NotBuilt(str(name), instead)
