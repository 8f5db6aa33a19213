"""The tool `image_check`, with a program in place of Docker's: no engine runs where tests run."""

import http.server
import json
import stat
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, RequestParamsMeta, TextContent

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_kit.grant import META_KEY, Grant, GrantIssuer, GrantVerifier
from codegod_sandbox.image_tools import register_images

DOCKER = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
  version) {version} ;;
  build) {build} ;;
  run) {run} ;;
  port) echo 127.0.0.1:{port} ;;
  logs) echo "listening on nothing" ;;
esac
"""

Check = Callable[..., Awaitable[CallToolResult]]


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """What the published port of a container would lead to."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def check(tmp_path: Path, port: int) -> Check:
    """Calls the tool where `docker` does what the test says."""

    async def call(
        version: str = "echo 28.0",
        build: str = "true",
        run: str = "echo c1",
        docker: bool = True,
        **arguments: Any,
    ) -> CallToolResult:
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        if arguments.pop("dockerfile", True):
            (root / "Dockerfile").write_text("FROM scratch\n", "utf-8")
        if docker:
            program = tmp_path / "docker"
            program.write_text(
                DOCKER.format(folder=tmp_path, version=version, build=build, run=run, port=port), "utf-8"
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        environment = {"PATH": f"{tmp_path}:/none", "CODEGOD_IMAGES": arguments.pop("switch", "")}
        settings = ServerSettings(root=root, state=tmp_path, environment=environment)
        server = tool_server("sandbox", settings, instructions="Images of a test.")
        register_images(server, Workspaces(settings), settings)
        async with Client(server) as client:
            with anyio.fail_after(20):
                return await client.call_tool("image_check", arguments)

    return call


def said(result: CallToolResult) -> dict[str, Any]:
    block = result.content[0]
    assert isinstance(block, TextContent)
    assert not result.is_error, block.text
    found: dict[str, Any] = result.structured_content or json.loads(block.text)
    return found


async def test_without_an_engine_nothing_is_claimed(check: Check) -> None:
    report = said(await check(docker=False))
    assert (report["engine"], report["built"], report["note"]) == (
        "",
        False,
        "there is no Docker engine here",
    )


async def test_images_can_be_switched_off(check: Check, tmp_path: Path) -> None:
    report = said(await check(switch="off"))
    assert (report["built"], report["note"]) == (False, "images are switched off here (CODEGOD_IMAGES=off)")
    assert not (tmp_path / "asked").exists()


async def test_a_program_without_its_engine_is_no_engine(check: Check) -> None:
    report = said(await check(version="echo Cannot connect >&2; exit 1"))
    assert (report["engine"], report["built"]) == ("", False)
    assert "no Docker engine answers: Cannot connect" in report["note"]


async def test_an_image_is_built_started_asked_and_removed(check: Check, tmp_path: Path) -> None:
    report = said(await check(health="/health", port=9000))
    assert report == report | {"engine": "28.0", "built": True, "answered": True, "note": ""}
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in asked] == ["version", "build", "run", "port", "rm", "rmi"]
    assert "--publish 127.0.0.1::9000" in asked[2]
    assert asked[1].split()[2] == asked[-1].split()[-1]


async def test_an_image_that_is_not_built_says_what_the_engine_said(check: Check) -> None:
    report = said(await check(build="echo step 3 failed; exit 1", health="/health"))
    assert (report["built"], report["answered"]) == (False, False)
    assert report["note"] == "the image was not built: step 3 failed"


async def test_a_container_that_does_not_run_says_so(check: Check) -> None:
    report = said(await check(run="echo no such command >&2; exit 127", health="/health"))
    assert (report["built"], report["answered"]) == (True, False)
    assert "no container could be started: no such command" in report["note"]


@pytest.mark.long
async def test_a_container_that_is_broken_has_no_health(check: Check) -> None:
    report = said(await check(health="/broken", timeout_s=2))
    assert (report["built"], report["answered"]) == (True, False)
    assert report["note"] == "GET /broken in a container: 500; it said: listening on nothing"


async def test_without_a_dockerfile_there_is_nothing_to_build(check: Check) -> None:
    result = await check(dockerfile=False)
    assert result.is_error
    assert "Dockerfile" in str(result.content)


@pytest.mark.parametrize("health", ["@elsewhere.test/", "health", ":80/x"])
async def test_a_health_path_leads_nowhere_else(check: Check, tmp_path: Path, health: str) -> None:
    result = await check(health=health)
    assert result.is_error
    assert "begins with '/'" in str(result.content)
    assert not (tmp_path / "asked").exists()


async def test_an_engine_that_says_too_much_is_cut(check: Check) -> None:
    flood = "head -c 3000000 /dev/zero | tr '\\\\0' x; echo; echo the end; exit 1"
    report = said(await check(build=f"PATH=/usr/bin:/bin; {flood}"))
    assert report["note"].endswith("the end")
    assert len(report["note"]) < 2_000


@pytest.mark.parametrize("network", [False, True])
async def test_a_task_without_the_network_builds_no_image(tmp_path: Path, network: bool) -> None:
    issuer = GrantIssuer.new()
    tree = tmp_path / "builds/b1/trees/t.1"
    tree.mkdir(parents=True)
    (tree / "Dockerfile").write_text("FROM scratch\n", "utf-8")
    settings = ServerSettings(
        tmp_path / "builds", tmp_path, GrantVerifier(issuer.public_key), {"PATH": "/none"}
    )
    server = tool_server("sandbox", settings, instructions="Images of a test.")
    register_images(server, Workspaces(settings), settings)
    grant = Grant(
        build="b1", task="t", attempt="t.1", tools=("sandbox.*",), workspace="b1/t.1", deadline=2_000_000_000,
        network=network,
    )  # fmt: skip
    meta = cast("RequestParamsMeta", {META_KEY: issuer.issue(grant)})
    async with Client(server) as client:
        result = await client.call_tool("image_check", {}, meta=meta)
    assert ("may not use the network" in str(result.content)) is not network
