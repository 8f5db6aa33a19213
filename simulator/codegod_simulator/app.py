"""The routes: Anthropic's, OpenAI's, Ollama's, and the specifications that plans refer to."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Awaitable, Callable, Collection, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from codegod_simulator import anthropic_wire, ollama_wire, openai_wire
from codegod_simulator.anthropic_wire import AnthropicWire
from codegod_simulator.library import UnknownPrompt
from codegod_simulator.ollama_wire import OllamaWire
from codegod_simulator.openai_wire import OpenAiWire
from codegod_simulator.play import Player, refused
from codegod_simulator.wire import BadRequest, Wire

MASTER = "claude-simulated"
STRONG = "gpt-simulated"  # the same strong model as the master, in OpenAI's format
WORKER = "qwen2.5-coder:7b"
VERSION = "0.32.0"  # of Ollama: the one whose behaviour is played


def build_app(player: Player) -> Starlette:
    """The application that plays `player`'s models."""
    return Starlette(
        routes=[
            *_anthropic(player),
            *_openai(player),
            *_ollama(player),
            Route("/specs/{project}/{file:path}", _specs(player)),
        ]
    )


def _anthropic(player: Player) -> list[Route]:
    wire = AnthropicWire()

    async def messages(request: Request) -> Response:
        return await _play(player, wire, request, {MASTER})

    async def count_tokens(request: Request) -> Response:
        try:
            return JSONResponse({"input_tokens": anthropic_wire.prompt_tokens(_body(await request.body()))})
        except BadRequest as refusal:
            return refused(wire, 400, str(refusal))

    async def models(request: Request) -> Response:
        if "anthropic-version" not in request.headers:  # both APIs have their list at this address
            return JSONResponse(openai_wire.listed(STRONG, WORKER))
        page = {"data": [anthropic_wire.model_info(MASTER)], "has_more": False}
        return JSONResponse({**page, "first_id": MASTER, "last_id": MASTER})

    async def model(request: Request) -> Response:
        name = request.path_params["name"]
        if name != MASTER:
            return refused(wire, 404, f"model: {name}")
        return JSONResponse(anthropic_wire.model_info(MASTER))

    return [
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/v1/messages/count_tokens", count_tokens, methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/models/{name}", model),
    ]


def _openai(player: Player) -> list[Route]:
    wire = OpenAiWire()

    async def completions(request: Request) -> Response:
        return await _play(player, wire, request, {STRONG, WORKER})

    return [Route("/v1/chat/completions", completions, methods=["POST"])]


def _ollama(player: Player) -> list[Route]:
    wire = OllamaWire()

    async def chat(request: Request) -> Response:
        return await _play(player, wire, request, {WORKER})

    async def show(request: Request) -> Response:
        try:
            name = str(_body(await request.body()).get("model", ""))
        except BadRequest as refusal:
            return refused(wire, 400, str(refusal))
        return JSONResponse(ollama_wire.shown()) if name == WORKER else _not_found(wire, name)

    async def tags(request: Request) -> Response:
        return JSONResponse(ollama_wire.tags(WORKER))

    async def running(request: Request) -> Response:
        return JSONResponse(ollama_wire.running(WORKER))

    async def version(request: Request) -> Response:
        return JSONResponse({"version": VERSION})

    return [
        Route("/api/chat", chat, methods=["POST"]),
        Route("/api/show", show, methods=["POST"]),
        Route("/api/tags", tags),
        Route("/api/ps", running),
        Route("/api/version", version),
    ]


def _specs(player: Player) -> Callable[[Request], Awaitable[Response]]:
    async def specs(request: Request) -> Response:
        project, file = request.path_params["project"], request.path_params["file"]
        try:
            text = player.library.named(project).specs.get(file)
        except UnknownPrompt:
            text = None
        if text is None:
            return JSONResponse({"error": f"no project serves {file!r} under {project!r}"}, status_code=404)
        return Response(text, media_type=mimetypes.guess_type(file)[0] or "text/plain")

    return specs


async def _play(player: Player, wire: Wire, request: Request, models: Collection[str]) -> Response:
    try:
        body = _body(await request.body())
    except BadRequest as refusal:
        return refused(wire, 400, str(refusal))
    if body.get("model") not in models:
        return _not_found(wire, str(body.get("model", "")))
    return await player.play(wire, body, str(request.base_url).rstrip("/"))


def _not_found(wire: Wire, name: str) -> Response:
    return refused(wire, 404, f"model '{name}' not found")


def _body(raw: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    return body
