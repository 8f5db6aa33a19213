"""Servers of every kind: inside the process, as children, over HTTP, and somebody else's."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest

from codegod_kit import META_KEY
from codegod_mesh import Builtin, Command, Endpoint, MeshSettings, ServerDown, Url
from codegod_mesh.link import next_pause

# A sweep of processes and attacks: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

TOKEN = "t" * 40
INSIDE = Endpoint("probe", Builtin())
CHILD = Endpoint("probe", Builtin(process=True))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def start(world: Any, port: int) -> subprocess.Popen[bytes]:
    key = base64.b64encode(world.issuer.public_key).decode()
    return subprocess.Popen(
        [sys.executable, "-m", "codegod_probe", "--http", f"127.0.0.1:{port}"],
        env={**os.environ, **world.environment, "CODEGOD_GRANT_KEY": key, "CODEGOD_TOKEN": TOKEN},
        stderr=subprocess.DEVNULL,
    )


async def until_answering(port: int) -> None:
    async with httpx2.AsyncClient() as http:
        with anyio.fail_after(20):
            while True:
                try:
                    await http.get(f"http://127.0.0.1:{port}/health")
                except httpx2.ConnectError:
                    await anyio.sleep(0.05)
                else:
                    return


@asynccontextmanager
async def web(world: Any, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    process = start(world, port)
    try:
        await until_answering(port)
        yield process
    finally:
        process.kill()
        process.wait(10)


def at(port: int, token: str = TOKEN) -> Endpoint:
    return Endpoint(
        "probe", Url(f"http://127.0.0.1:{port}/mcp", {"Authorization": f"Bearer {token}"}), ours=True
    )


@pytest.mark.parametrize("endpoint", [INSIDE, CHILD], ids=["inside", "child"])
async def test_our_own_servers_get_the_grant(world: Any, endpoint: Endpoint) -> None:
    async with world.mesh(endpoint).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        assert (await view.call("probe.probe_who", {})).text == "storage.2"
        pid = (await view.call("probe__probe_pid", {})).data
    assert (pid == {"result": os.getpid()}) is (endpoint is INSIDE)


async def test_a_server_over_http_gets_the_grant(world: Any) -> None:
    port = free_port()
    async with web(world, port), world.mesh(at(port)).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        assert (await view.call("probe.probe_who", {})).text == "storage.2"


@pytest.mark.parametrize("endpoint", [INSIDE, CHILD], ids=["inside", "child"])
async def test_the_server_refuses_what_the_view_would_have_let_through(
    world: Any, endpoint: Endpoint
) -> None:
    async with world.mesh(endpoint).open() as mesh:
        view = await mesh.view(world.allocation("probe.*", grant={"tools": ("probe.probe_pid",)}))
        result = await view.call("probe.probe_who", {})
    assert result.is_error
    assert "'probe_who' is not granted" in result.text


async def test_without_an_issuer_nothing_is_granted_or_demanded(world: Any) -> None:
    settings = MeshSettings(world.settings.root, world.settings.state, None, world.environment)
    async with world.mesh(INSIDE, settings=settings).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        assert (await view.call("probe.probe_who", {})).text == "nobody"


@pytest.mark.parametrize("endpoint", [INSIDE, CHILD], ids=["inside", "child"])
async def test_our_servers_see_the_environment_without_the_models_keys(
    world: Any, endpoint: Endpoint
) -> None:
    async with world.mesh(endpoint).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        assert (await view.call("probe.probe_environment", {"name": "HELLO"})).text == "there"
        assert (await view.call("probe.probe_environment", {"name": "ANTHROPIC_API_KEY"})).text == "unset"


async def test_somebody_elses_server_is_allocated_and_gets_no_grant(world: Any) -> None:
    foreign = Endpoint("foreign", world.foreign, allocate={"backend": ("meta_*", "variable_*")})
    async with world.mesh(foreign, INSIDE).open() as mesh:
        view = await mesh.view(world.allocation("probe.probe_who", *foreign.allocated("backend")))
        seen = await view.call("foreign.meta_seen", {})
        key = await view.call("foreign.variable_seen", {"name": "CODEGOD_GRANT_KEY"})
        hello = await view.call("foreign.variable_seen", {"name": "HELLO"})
    assert [tool.name for tool in view.tools] == [
        "foreign__meta_seen",
        "foreign__variable_seen",
        "probe__probe_who",
    ]
    assert not seen.is_error
    assert META_KEY not in json.loads(seen.text)
    assert (key.text, hello.text) == ("unset", "unset")


async def test_an_entrys_own_environment_reaches_its_command(world: Any) -> None:
    foreign = Endpoint("foreign", Command(world.foreign.command, world.foreign.arguments, {"KEY": "value"}))
    async with world.mesh(foreign).open() as mesh:
        view = await mesh.view(world.allocation("foreign.*"))
        assert (await view.call("foreign.variable_seen", {"name": "KEY"})).text == "value"


async def test_our_server_by_its_own_command_gets_the_key_and_the_grant(world: Any) -> None:
    endpoint = Endpoint("probe", Command(sys.executable, ("-m", "codegod_probe")), ours=True)
    async with world.mesh(endpoint).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        assert (await view.call("probe.probe_who", {})).text == "storage.2"


async def test_a_flood_is_an_error_and_not_a_result(world: Any) -> None:
    async with world.mesh(Endpoint("foreign", world.foreign)).open() as mesh:
        view = await mesh.view(world.allocation("foreign.*"))
        result = await view.call("foreign.flood", {"size": 3_000_000})
    assert result.is_error
    assert "262144 is the most" in result.text
    assert world.kept.last.is_error


async def test_a_child_that_was_killed_comes_back(world: Any) -> None:
    async with world.mesh(CHILD, OTHER).open() as mesh:
        view = await mesh.view(world.allocation("probe.*", "foreign.*"))
        first = (await view.call("probe.probe_pid", {})).data
        assert first is not None
        os.kill(first["result"], signal.SIGKILL)
        with anyio.fail_after(20):
            # A read is tried again by itself, at the new process.
            second = (await view.call("probe.probe_pid", {})).data
        assert second is not None
        assert second != first
        assert mesh.servers["probe"].connections == 2
        assert mesh.servers["foreign"].connections == 1
        assert mesh.problems == {}
    assert not alive(second["result"])


async def test_a_call_that_may_not_be_repeated_tells_of_the_servers_death(world: Any) -> None:
    async with world.mesh(CHILD).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        with anyio.fail_after(20), pytest.raises(ServerDown) as caught:
            await view.call("probe.probe_die", {"words": "my last words"})
        assert caught.value.server == "probe"
        assert "my last words" in caught.value.reason
        assert world.kept.last.is_error
        assert "my last words" in world.kept.last.text
        with anyio.fail_after(20):
            assert (await view.call("probe.probe_who", {})).text == "storage.2"


async def test_an_idempotent_call_is_made_once_more(world: Any, tmp_path: Any) -> None:
    async with world.mesh(CHILD).open() as mesh:
        view = await mesh.view(world.allocation("probe.*"))
        with anyio.fail_after(20):
            result = await view.call("probe.probe_die_once", {"marker": str(tmp_path / "marker")})
        assert result.text == "survived"
        assert mesh.servers["probe"].connections == 2
    assert [call.is_error for call in world.kept.calls] == [False]


async def test_a_web_server_that_was_restarted_comes_back(world: Any) -> None:
    port = free_port()
    async with web(world, port) as first:
        mesh = world.mesh(at(port), OTHER)
        async with mesh.open():
            view = await mesh.view(world.allocation("probe.*", "foreign.*"))
            assert (await view.call("probe.probe_pid", {})).data == {"result": first.pid}
            first.kill()
            first.wait(10)
            with anyio.fail_after(10), pytest.raises(ServerDown):
                await view.call("probe.probe_write", {"path": "x"}, within=2)
            assert not (await view.call("foreign.meta_seen", {})).is_error
            async with web(world, port) as second:
                with anyio.fail_after(20):
                    assert (await view.call("probe.probe_pid", {})).data == {"result": second.pid}


async def test_a_wrong_token_is_told_as_such(world: Any) -> None:
    port = free_port()
    async with web(world, port), world.mesh(at(port, "wrong")).open() as mesh:
        await mesh.settled()
        assert "HTTP 401" in mesh.problems["probe"]


async def test_one_broken_server_does_not_stop_the_others(world: Any) -> None:
    endpoints = (
        INSIDE,
        Endpoint("broken", Builtin()),
        Endpoint("missing", Command("no-such-program")),
        Endpoint("quitter", Command("sh", ("-c", "echo out of order >&2; exit 3"))),
        Endpoint("nowhere", Url(f"http://127.0.0.1:{free_port()}/mcp")),
    )
    async with world.mesh(*endpoints).open() as mesh:
        with anyio.fail_after(20):
            await mesh.settled()
            assert set(mesh.problems) == {"broken", "missing", "quitter", "nowhere"}
            assert "no such library" in mesh.problems["broken"]
            assert "no-such-program" in mesh.problems["missing"]
            assert "out of order" in mesh.problems["quitter"]
            view = await mesh.view(world.allocation("probe.*", "missing.*", "quitter.*", "nowhere.*"))
            assert {tool.server for tool in view.tools} == {"probe"}
            with pytest.raises(ServerDown, match="no such library"):
                await mesh.view(world.allocation("broken.*", "probe.*"))


async def test_a_server_that_never_answers_holds_nobody_up(world: Any) -> None:
    silent = Endpoint("silent", Command(sys.executable, ("-c", "import sys; sys.stdin.read()")), ours=True)
    async with world.mesh(INSIDE, silent).open() as mesh:
        with anyio.fail_after(10):
            view = await mesh.view(world.allocation("probe.*"))
            assert (await view.call("probe.probe_who", {})).text == "storage.2"


async def test_a_silent_server_of_somebody_else_is_left_out(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegod_mesh.mesh._FOREIGN_WAIT_SECONDS", 0.2)
    silent = Endpoint("silent", Command(sys.executable, ("-c", "import sys; sys.stdin.read()")))
    async with world.mesh(INSIDE, silent).open() as mesh:
        with anyio.fail_after(10):
            view = await mesh.view(world.allocation("*"))
        assert {tool.server for tool in view.tools} == {"probe"}
        assert mesh.problems == {"silent": "it is still being connected"}


def test_a_server_that_dies_again_and_again_is_given_longer_and_longer_pauses() -> None:
    pauses = [next_pause(0.05, lasted=0)]
    for _ in range(12):
        pauses.append(next_pause(pauses[-1], lasted=1))
    assert pauses[:3] == [0.1, 0.2, 0.4]
    assert pauses[-1] == 10
    assert next_pause(10, lasted=60) == 0.05


async def test_two_servers_of_one_name_are_refused(world: Any) -> None:
    with pytest.raises(ValueError, match="'probe'"):
        world.mesh(INSIDE, CHILD)


async def test_closing_the_mesh_ends_its_children_and_its_calls(world: Any) -> None:
    ended: list[str] = []

    async def hang(view: Any) -> None:
        try:
            await view.call("probe.probe_hang", {})
        except ServerDown as error:
            ended.append(error.reason)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group, world.mesh(CHILD).open() as mesh:
            view = await mesh.view(world.allocation("probe.*"))
            pid = (await view.call("probe.probe_pid", {})).data
            group.start_soon(hang, view)
            await anyio.wait_all_tasks_blocked()
    assert ended == ["the mesh is closed"]
    assert pid is not None
    assert not alive(pid["result"])


async def test_an_error_of_the_caller_is_not_wrapped(world: Any) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with world.mesh(INSIDE).open():
            raise KeyError("mine")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


OTHER = Endpoint(
    "foreign", Command(sys.executable, (str(__file__).replace("test_reaching", "foreign_server"),))
)
