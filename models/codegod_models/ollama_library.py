"""Which models an Ollama has, what it says of them, and fetching one: through the `ollama` client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

import httpx
import ollama

from codegod_models.faults import KeyRefused, NotPulled, RequestRefused, Unreachable
from codegod_models.streaming import SAID_CHARS, words_of

CHECK_SECONDS = 20.0
_START = "Start it with `ollama serve`, or put its address into OLLAMA_HOST."


class OllamaLibrary:
    """One model in the library of one Ollama. Never through a proxy: it stands on this network."""

    def __init__(self, model: str, url: str, headers: Mapping[str, str]) -> None:
        self._model = model
        self._url = url
        self._headers = headers

    async def shown(self) -> ollama.ShowResponse:
        """What the server says of the model; raises the `ModelFault` that names what is missing."""
        async with self._client(CHECK_SECONDS) as client:
            try:
                present = tuple(sorted(model.model or "" for model in (await client.list()).models))
                if _tagged(self._model) not in {_tagged(name) for name in present}:
                    raise NotPulled(self._model, self._url, present)
                shown: ollama.ShowResponse = await client.show(self._model)
            except ollama.ResponseError as error:
                if error.status_code == httpx.codes.UNAUTHORIZED:
                    raise KeyRefused(self._url, "OLLAMA_API_KEY", error.error) from error
                why = f"HTTP {error.status_code}: {error.error[:SAID_CHARS]}"
                raise Unreachable(self._url, why, _START) from error
            except (ConnectionError, httpx.HTTPError) as error:
                raise Unreachable(self._url, words_of(error), _START) from error
            except (ValueError, TypeError, AttributeError) as error:  # the client trips over foreign bodies
                raise Unreachable(self._url, "it does not answer as Ollama does", _START) from error
        return shown

    async def pull(self) -> AsyncGenerator[str, None]:
        """Download the model; yields the server's words on how far it is."""
        async with self._client(timeout=None) as client:
            try:
                async for step in await client.pull(self._model, stream=True):
                    share = f" {100 * step.completed // step.total}%" if step.completed and step.total else ""
                    yield f"{step.status or ''}{share}"
            except ollama.ResponseError as error:
                raise RequestRefused(self._model, error.status_code, error.error[:SAID_CHARS]) from error
            except (ConnectionError, httpx.HTTPError) as error:
                raise Unreachable(self._url, words_of(error), _START) from error

    def _client(self, timeout: float | None) -> ollama.AsyncClient:
        return ollama.AsyncClient(host=self._url, headers=self._headers, timeout=timeout, trust_env=False)


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
