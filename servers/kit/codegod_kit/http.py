"""Streamable HTTP at `/mcp`, `/health` for whoever watches the process."""

import hmac
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from codegod_kit.options import HttpAddress

# Long enough for a call in flight to answer, short enough for a container that is being stopped.
_SHUTDOWN_SECONDS = 5
_LOOPBACK_HOSTS = ("127.0.0.1:*", "localhost:*", "[::1]:*")


async def serve_http(server: MCPServer[Any], address: HttpAddress) -> None:
    """Serve until a signal ends the process."""
    config = uvicorn.Config(
        http_app(server, address),
        host=address.host,
        port=address.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    await uvicorn.Server(config).serve()


def http_app(server: MCPServer[Any], address: HttpAddress) -> Starlette:
    """The web application: MCP behind the bearer token when there is one, `/health` open."""
    hosts = [*_LOOPBACK_HOSTS, *address.allowed_hosts]
    inner = server.streamable_http_app(
        transport_security=TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[])
    )
    guarded: ASGIApp = _Bearer(inner, address.token) if address.token else inner
    return Starlette(
        routes=[Route("/health", _health), Mount("/", guarded)],
        # A mounted application's own lifespan is not entered by Starlette.
        lifespan=lambda _: server.session_manager.run(),
    )


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


class _Bearer:
    """Lets a request through if it carries the one token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", [])).get(b"authorization", b"")
        if hmac.compare_digest(given, self._wanted):
            await self._app(scope, receive, send)
            return
        answer = JSONResponse(
            {"error": "This server demands its bearer token"}, 401, {"WWW-Authenticate": "Bearer"}
        )
        await answer(scope, receive, send)
