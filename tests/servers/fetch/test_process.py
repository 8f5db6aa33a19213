"""The server as a host starts it: a process of its own, with this machine's names and connections."""

import asyncio
import sys

import anyio
from mcp import StdioServerParameters
from mcp.client import Client

from .conftest import Site, data, page, said


async def test_over_stdio_it_fetches_what_was_exempted_and_nothing_else_of_this_machine() -> None:
    site = Site({"/": page("<title>T</title><p>Hello"), "/robots.txt": page("", "", "404 Not Found")})
    listener = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codegod_fetch"],
        env={"CODEGOD_FETCH_ALLOW": f"127.0.0.1:{port}"},
    )
    async with listener, Client(command) as client:
        with anyio.fail_after(60):
            fetched = await client.call_tool("fetch_page", {"url": f"http://127.0.0.1:{port}/"})
            refused = await client.call_tool("fetch_page", {"url": "http://localhost/"})
    assert (data(fetched)["title"], data(fetched)["text"]) == ("T", "Hello")
    assert refused.is_error
    assert "a loopback address" in said(refused)
    assert site.paths() == ["/"]


async def test_a_wrong_setting_ends_the_start_with_one_line() -> None:
    with anyio.fail_after(60):
        ended = await anyio.run_process(
            [sys.executable, "-m", "codegod_fetch"], env={"CODEGOD_FETCH_ALLOW": "everything"}, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines() == [
        "codegod-fetch: CODEGOD_FETCH_ALLOW: 'everything' is not HOST:PORT, e.g. `127.0.0.1:8123`"
    ]
