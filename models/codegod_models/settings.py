"""Where the model servers are and how long to wait for them: read once, passed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from codegod_models.faults import BadSetting

OWN_URL = "https://api.openai.com/v1"  # of the openai provider when no other one is named
OLLAMA_PORT = 11434
NUM_CTX = 16_384  # a contract, its files and an answer; a 7B model then needs about 1 GB beside its weights
IDLE_SECONDS = 120.0  # between two signs of life; pings and empty chunks count as such
FIRST_SECONDS = 300.0  # Ollama loads the weights and reads the whole prompt before its first chunk
HOST_SECONDS = 1_500.0  # whoever answers by hand or in turn gets that long; less than a call may take in all
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, not what one connects to


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`base_url` goes before the servers' own settings: a simulator, or anything else that speaks their formats."""

    base_url: str = ""
    simulated: bool = False
    anthropic_api_key: str = field(default="", repr=False)
    anthropic_base_url: str = ""
    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = ""
    ollama_host: str = ""
    ollama_api_key: str = field(default="", repr=False)
    num_ctx: int = NUM_CTX
    idle_seconds: float = IDLE_SECONDS
    first_seconds: float = FIRST_SECONDS
    host_seconds: float = HOST_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ModelSettings:
        """The settings that `environment` makes; raises `BadSetting`."""
        idle = _positive(environment, "CODEGOD_IDLE_SECONDS", IDLE_SECONDS)
        return cls(
            anthropic_api_key=environment.get("ANTHROPIC_API_KEY", "").strip(),
            anthropic_base_url=environment.get("ANTHROPIC_BASE_URL", "").strip(),
            openai_api_key=environment.get("OPENAI_API_KEY", "").strip(),
            openai_base_url=environment.get("OPENAI_BASE_URL", "").strip(),
            ollama_host=environment.get("OLLAMA_HOST", "").strip(),
            ollama_api_key=environment.get("OLLAMA_API_KEY", "").strip(),
            num_ctx=int(_positive(environment, "CODEGOD_NUM_CTX", NUM_CTX)),
            idle_seconds=idle,
            first_seconds=max(idle, FIRST_SECONDS),
            host_seconds=_positive(environment, "CODEGOD_HOST_SECONDS", HOST_SECONDS),
        )


def ollama_url(host: str) -> str:
    """The URL that OLLAMA_HOST means: with or without scheme and port, and never the address servers listen on."""
    given = host.strip().rstrip("/") or "127.0.0.1"
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "http", given
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        name, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise BadSetting("OLLAMA_HOST", host, "a host, host:port or URL") from error
    if scheme not in {"http", "https"}:
        raise BadSetting("OLLAMA_HOST", host, "a host, host:port or http(s) URL")
    name = _ANY_ADDRESS.get(name, name)
    default = OLLAMA_PORT if not separator else {"http": 80, "https": 443}[scheme]
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}:{port or default}{parts.path}"


def openai_url(base_url: str) -> str:
    """The URL below which `/chat/completions` lies; a server's bare address means its `/v1`."""
    given = base_url.strip().rstrip("/")
    if not given:
        return OWN_URL
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise BadSetting("OPENAI_BASE_URL", base_url, "an http(s) URL")
    return given if parts.path else f"{given}/v1"


def is_loopback(url: str) -> bool:
    """Whether `url` stays on this machine: such a request must never go through a proxy."""
    name = urlsplit(url).hostname or ""
    return name in {"localhost", "::1"} or name.endswith(".localhost") or name.startswith("127.")


def _positive(environment: Mapping[str, str], variable: str, default: float) -> float:
    text = environment.get(variable, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise BadSetting(variable, text, "a number") from error
    if not 0 < value < float("inf"):
        raise BadSetting(variable, text, "a number above 0")
    return value
