"""The entry point of every server."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import anyio
from mcp.server import MCPServer
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server

from codegod_kit.logs import configure_logging
from codegod_kit.options import Flag, Options, UsageFault, read_options
from codegod_kit.settings import ServerSettings

# What a shell expects of a program that was called wrongly, and of one that Ctrl-C ended.
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def run_server(
    name: str,
    create: Callable[[ServerSettings], MCPServer[Any]],
    argv: Sequence[str] | None = None,
    *,
    flags: Sequence[Flag] = (),
) -> int:
    """Serve what `create` makes, on stdio unless the arguments say otherwise; returns the exit status.

    `create` may raise `UsageFault` for settings that it cannot serve.
    """
    short = name.removeprefix("codegod-")
    try:
        options = read_options(short, sys.argv[1:] if argv is None else argv, os.environ, flags)
        server = create(options.settings)
    except UsageFault as error:
        sys.stderr.write(f"codegod-{short}: {error}\n")
        return _EXIT_USAGE
    configure_logging()
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt):
        anyio.run(_serve, server, options)
        return 0
    return _EXIT_INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill unwinds what is open, as Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


async def _serve(server: MCPServer[Any], options: Options) -> None:
    if options.address is None:
        await _serve_stdio(server, legacy=options.protocol == "legacy")
        return
    # The many servers that speak stdio need no web framework.
    from codegod_kit.http import serve_http

    await serve_http(server, options.address)


async def _serve_stdio(server: MCPServer[Any], *, legacy: bool) -> None:
    low = server._lowlevel_server
    about = low.create_initialization_options()
    async with stdio_server() as (reads, writes):
        try:
            if legacy:
                # For hosts that send `initialize` after `server/discover`: once discover was answered, the SDK's
                # own loop refuses it.
                async with low.lifespan(low) as state:
                    await serve_loop(low, reads, writes, lifespan_state=state, init_options=about)
            else:
                await low.run(reads, writes, about)
        except anyio.get_cancelled_exc_class():
            _leave()


def _leave() -> NoReturn:
    """End now: the SDK's thread sits in a read of stdin that nothing can interrupt, and Python would wait for it."""
    logging.shutdown()
    os._exit(_EXIT_INTERRUPTED)
