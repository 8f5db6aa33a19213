"""The proxy out of a sandbox. The network of these tests is a resolver and a dialler of our own, on loopback only."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream

from codegod_sandbox import egress
from codegod_sandbox.addresses import forbidden, is_literal
from codegod_sandbox.egress import EgressPolicy, EgressProxy, open_proxy
from codegod_sandbox.execution import PYTHON, RunResult, RunSpec, Sandbox
from codegod_sandbox.execution_faults import SandboxBroken
from codegod_sandbox.socket_stream import SocketStream, serve
from codegod_sandbox.upstream import BadProxySetting, Upstream

_ADDRESSES = {
    "files.index.test": ["203.0.113.7"],
    "private.index.test": ["10.1.2.3"],
    "loop.index.test": ["127.0.0.1"],
    "loop6.index.test": ["::1"],
    "mapped.index.test": ["::ffff:127.0.0.1"],
    "metadata.index.test": ["169.254.169.254"],
    "cloud.index.test": ["100.100.100.200"],
    "zero.index.test": ["0.0.0.0"],  # noqa: S104 - it is refused
    "second.index.test": ["169.254.169.254", "203.0.113.8"],
    "nowhere.index.test": [],
}


class LoopbackNetwork:
    """Resolves from the table above, and connects to one loopback server whatever the address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.resolved: list[str] = []
        self.dialled: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        return _ADDRESSES[host]

    async def connect(self, address: str, port: int) -> ByteStream:
        self.dialled.append((address, port))
        return await anyio.connect_tcp("127.0.0.1", self._port)


@asynccontextmanager
async def _serving(answer: Callable[[ByteStream], Awaitable[None]]) -> AsyncIterator[int]:
    """A loopback server; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, listener, answer)
            yield listener.getsockname()[1]
            tasks.cancel_scope.cancel()


async def _capitals(stream: ByteStream) -> None:
    async with stream:
        async for chunk in stream:
            await stream.send(chunk.upper())


@asynccontextmanager
async def _connected(folder: Path) -> AsyncIterator[ByteStream]:
    """A connection to the proxy whose socket lies in `folder`."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(folder / "egress.sock"))
    connection.setblocking(False)
    async with SocketStream(connection) as stream:
        yield stream


@pytest.fixture
async def network() -> AsyncIterator[LoopbackNetwork]:
    async with _serving(_capitals) as port:
        yield LoopbackNetwork(port)


@pytest.fixture
def policy(network: LoopbackNetwork) -> EgressPolicy:
    return EgressPolicy(frozenset(_ADDRESSES), network=network)


async def _say(proxy_folder: Path, request: bytes) -> bytes:
    """What the proxy answers to `request`, up to its end or the end of the head."""
    async with _connected(proxy_folder) as stream:
        await stream.send(request)
        said = b""
        with anyio.fail_after(10):
            try:
                while b"\r\n\r\n" not in said:
                    said += await stream.receive()
            except anyio.EndOfStream:
                pass
        return said


@pytest.fixture
async def ask(policy: EgressPolicy, state_dir: Path) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    async with open_proxy(policy, state_dir):
        yield lambda request: _say(state_dir, request)


async def test_bytes_pass_both_ways_to_a_named_host(
    policy: EgressPolicy, network: LoopbackNetwork, state_dir: Path
) -> None:
    async with open_proxy(policy, state_dir) as proxy, _connected(state_dir) as stream:
        await stream.send(b"CONNECT files.index.test:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await stream.receive() == b"HTTP/1.1 200 OK\r\n\r\n"
        await stream.send(b"hello")
        assert await stream.receive() == b"HELLO"
    assert network.dialled == [("203.0.113.7", 443)]
    assert proxy.refused == {}


@pytest.mark.parametrize(
    ("host", "dialled"),
    [
        ("private.index.test", "10.1.2.3"),
        ("FILES.Index.Test.", "203.0.113.7"),
        ("second.index.test", "203.0.113.8"),
    ],
)
async def test_a_hosts_first_allowed_address_is_dialled(
    ask: Callable[[bytes], Awaitable[bytes]], network: LoopbackNetwork, host: str, dialled: str
) -> None:
    assert b" 200 " in await ask(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    assert network.dialled == [(dialled, 443)]
    assert len(network.resolved) == 1


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT evil.test:443 HTTP/1.1",
        "CONNECT files.index.test.evil.test:443 HTTP/1.1",
        "CONNECT evilfiles.index.test:443 HTTP/1.1",
        "CONNECT index.test:443 HTTP/1.1",
        "CONNECT files.index.test:22 HTTP/1.1",
        "CONNECT files.index.test:80 HTTP/1.1",
        "CONNECT files.index.test:0443 HTTP/1.1",
        "CONNECT files.index.test: HTTP/1.1",
        "CONNECT files.index.test HTTP/1.1",
        "CONNECT 203.0.113.7:443 HTTP/1.1",
        "CONNECT 3405803783:443 HTTP/1.1",
        "CONNECT 0xcb.0.0x71.7:443 HTTP/1.1",
        "CONNECT 127.1:443 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT ::1:443 HTTP/1.1",
        "CONNECT localhost:443 HTTP/1.1",
        "CONNECT files.index.test\x00.evil.test:443 HTTP/1.1",
        "CONNECT files.index.test%00:443 HTTP/1.1",
        "CONNECT user@files.index.test:443 HTTP/1.1",
        "CONNECT evil.test#files.index.test:443 HTTP/1.1",
        "CONNECT  files.index.test:443 HTTP/1.1",
        "CONNECT\tfiles.index.test:443 HTTP/1.1",
        "CONNECT files.index.test:443",
        "connect files.index.test:443 HTTP/1.1",
        "GET http://files.index.test/ HTTP/1.1",
        "POST / HTTP/1.1",
        "",
        "\x16\x03\x01",
    ],
)
async def test_anything_else_is_refused_and_nothing_is_dialled(
    ask: Callable[[bytes], Awaitable[bytes]], network: LoopbackNetwork, request_line: str
) -> None:
    answer = await ask(request_line.encode("latin-1") + b"\r\nHost: files.index.test\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 40", b"HTTP/1.1 43"))
    assert network.dialled == []
    assert network.resolved == []


@pytest.mark.parametrize("name", ["loop", "loop6", "mapped", "metadata", "cloud", "zero", "nowhere"])
async def test_a_name_may_not_lead_to_a_forbidden_address(
    policy: EgressPolicy, network: LoopbackNetwork, state_dir: Path, name: str
) -> None:
    async with open_proxy(policy, state_dir) as proxy:
        answer = await _say(state_dir, f"CONNECT {name}.index.test:443 HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert network.dialled == []
    assert list(proxy.refused) == [f"{name}.index.test"]


async def test_a_second_request_behind_the_first_is_refused(
    ask: Callable[[bytes], Awaitable[bytes]], network: LoopbackNetwork
) -> None:
    answer = await ask(b"CONNECT files.index.test:443 HTTP/1.1\r\n\r\nCONNECT evil.test:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert network.dialled == []


async def test_an_endless_request_ends(ask: Callable[[bytes], Awaitable[bytes]]) -> None:
    assert (await ask(b"CONNECT " + b"a" * 20_000)).startswith(b"HTTP/1.1 431 ")


async def test_a_silent_client_is_let_go(
    policy: EgressPolicy, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_HEAD_SECONDS", 0.05)
    async with open_proxy(policy, state_dir), _connected(state_dir) as stream:
        with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_an_idle_connection_is_let_go(
    policy: EgressPolicy, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_IDLE_SECONDS", 0.1)
    async with open_proxy(policy, state_dir), _connected(state_dir) as stream:
        await stream.send(b"CONNECT files.index.test:443 HTTP/1.1\r\n\r\n")
        await stream.receive()
        with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_no_more_connections_are_taken_than_are_served(
    policy: EgressPolicy, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_CONNECTIONS", 2)
    async with open_proxy(policy, state_dir), AsyncExitStack() as stack:
        waiting = [await stack.enter_async_context(_connected(state_dir)) for _ in range(3)]
        await waiting[2].send(b"GET / HTTP/1.1\r\n\r\n")
        with anyio.move_on_after(0.1) as silence:
            await waiting[2].receive()
        assert silence.cancelled_caught
        await waiting[0].aclose()
        with anyio.fail_after(5):
            assert (await waiting[2].receive()).startswith(b"HTTP/1.1 405 ")


async def test_refusals_are_told_with_their_reason(policy: EgressPolicy, state_dir: Path) -> None:
    async with open_proxy(policy, state_dir) as proxy:
        for target in ("evil.test:443", "files.index.test:22", "1.2.3.4:443"):
            await _say(state_dir, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
    assert proxy.refused == {
        "evil.test": "not a host of the configured package indexes",
        "files.index.test:22": "only port 443 is served",
        "1.2.3.4:443": "addresses are not served, only names",
    }


async def test_on_loopback_a_password_is_needed(policy: EgressPolicy, network: LoopbackNetwork) -> None:
    async with open_proxy(policy) as proxy:
        answers = []
        right = proxy.url.removeprefix("http://").partition("@")[0].encode()
        for user in (None, b"codegod:wrong", right):
            async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
                await stream.send(_with_password("files.index.test", user))
                answers.append((await stream.receive()).split(b" ")[1])
    assert answers == [b"407", b"407", b"200"]
    assert len(network.dialled) == 1


def _with_password(host: str, user: bytes | None) -> bytes:
    from base64 import b64encode

    head = f"CONNECT {host}:443 HTTP/1.1\r\n".encode()
    return head + (b"Proxy-Authorization: Basic " + b64encode(user) + b"\r\n" if user else b"") + b"\r\n"


async def test_a_state_folder_may_lie_deep(policy: EgressPolicy, state_dir: Path) -> None:
    deep = state_dir / ("d" * 200)
    deep.mkdir()
    async with open_proxy(policy, deep):
        assert (deep / "egress.sock").is_socket()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("0.0.0.0", "no address of a host"),  # noqa: S104 - it is refused
        ("0.1.2.3", "this host"),
        ("::", "no address of a host"),
        ("224.0.0.1", "no address of a host"),
        ("255.255.255.255", "no address of a host"),
        ("ff02::1", "no address of a host"),
        ("not an address", "no address"),
    ],
)
def test_addresses_that_are_never_dialled(address: str, word: str) -> None:
    assert word in forbidden(address)


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "10.0.0.1", "192.168.1.1", "fd12::1", "2001:db8::1", "100.64.0.1"]
)
def test_addresses_that_an_index_may_have(address: str) -> None:
    assert forbidden(address) == ""


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.2.3.0x4", "::1", "1.2.3.4."]
)
def test_addresses_in_every_spelling_are_no_names(host: str) -> None:
    assert is_literal(host)


async def test_the_machines_own_proxy_is_used_when_it_has_one(
    network: LoopbackNetwork, state_dir: Path
) -> None:
    requests: list[bytes] = []

    async def upstream(stream: ByteStream) -> None:
        async with stream:
            requests.append(await stream.receive())
            await stream.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
            await stream.send((await stream.receive()).upper())

    async with _serving(upstream) as port:
        chosen = Upstream.from_environment(
            {"HTTPS_PROXY": f"http://user:p%40ss@127.0.0.1:{port}", "NO_PROXY": "private.index.test"}
        )
        policy = EgressPolicy(frozenset(_ADDRESSES), chosen, network)
        async with open_proxy(policy, state_dir):
            async with _connected(state_dir) as stream:
                await stream.send(b"CONNECT files.index.test:443 HTTP/1.1\r\n\r\n")
                assert b" 200 " in await stream.receive()
                await stream.send(b"hello")
                assert await stream.receive() == b"HELLO"
            assert b" 403 " in await _say(state_dir, b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n")
            assert b" 200 " in await _say(state_dir, b"CONNECT private.index.test:443 HTTP/1.1\r\n\r\n")
    assert len(requests) == 1
    assert requests[0].startswith(b"CONNECT files.index.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in requests[0]
    assert network.dialled == [("10.1.2.3", 443)]  # the one host that NO_PROXY names


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"garbage\r\n\r\n", b"", b"x" * 20_000])
async def test_an_upstream_that_refuses_is_a_refusal(
    network: LoopbackNetwork, state_dir: Path, answer: bytes
) -> None:
    async def upstream(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            if answer:
                await stream.send(answer)

    async with _serving(upstream) as port:
        policy = EgressPolicy(frozenset(_ADDRESSES), Upstream("127.0.0.1", port), network)
        async with open_proxy(policy, state_dir):
            said = await _say(state_dir, b"CONNECT files.index.test:443 HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    ("setting", "serves"),
    [
        ("", True),
        ("other.test", True),
        ("index.test", False),
        (".index.test", False),
        ("*.index.test", False),
        ("*", False),
        ("a.test, files.index.test", False),
    ],
)
def test_which_hosts_need_the_machines_proxy(setting: str, serves: bool) -> None:
    upstream = Upstream.from_environment({"https_proxy": "proxy.test:3128", "no_proxy": setting})
    assert upstream is not None
    assert (upstream.host, upstream.port) == ("proxy.test", 3128)
    assert upstream.serves("files.index.test") is serves


def test_a_proxy_setting_that_cannot_be_used_is_named_without_its_password() -> None:
    with pytest.raises(BadProxySetting, match="HTTPS_PROXY") as caught:
        Upstream.from_environment({"HTTPS_PROXY": "socks5://user:secret@proxy.test:1080"})
    assert "secret" not in str(caught.value)


async def test_a_program_reaches_named_hosts_through_its_proxy_and_nothing_else(
    sandbox: Sandbox, run: Callable[..., Awaitable[RunResult]], policy: EgressPolicy, network: LoopbackNetwork
) -> None:
    program = """
import base64, os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])
def ask(host, port=443):
    with socket.create_connection((proxy.hostname, proxy.port), 10) as s:
        user = base64.b64encode(f'{proxy.username}:{proxy.password}'.encode()).decode()
        s.sendall(f'CONNECT {host}:{port} HTTP/1.1\\r\\nProxy-Authorization: Basic {user}\\r\\n\\r\\n'.encode())
        head = s.recv(1000)
        if b' 200 ' not in head: return head.split(b' ')[1].decode()
        s.sendall(b'hello')
        return s.recv(100).decode()
print(ask('files.index.test'), ask('evil.test'), ask('files.index.test', 22), ask('169.254.169.254'))
for host, port in (('127.0.0.1', PORT), ('127.0.0.1', 1)):
    try: socket.create_connection((host, port), 5); print('ESCAPE')
    except OSError: print('BLOCKED')
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT)); print('sent')
except OSError: print('BLOCKED')
"""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
    ):
        silent.bind(other.getsockname())
        silent.setblocking(False)
        result = await run(PYTHON, "-c", program.replace("PORT", str(other.getsockname()[1])), egress=policy)
        with pytest.raises(BlockingIOError):
            silent.recv(10)
    assert result.stdout.decode().splitlines()[:3] == ["HELLO 403 403 403", "BLOCKED", "BLOCKED"], result
    assert [refusal.partition(":")[0] for refusal in result.refused_hosts] == [
        "evil.test",
        "files.index.test",
        "169.254.169.254",
    ]
    assert network.dialled == [("203.0.113.7", 443)]


async def test_a_fault_stays_a_fault_while_a_proxy_is_open(
    sandboxes: Mapping[str, Sandbox], workspace: Path, policy: EgressPolicy
) -> None:
    spec = RunSpec(("true",), workspace, egress=policy, read_only={"gone": workspace / "gone"})
    with pytest.raises(SandboxBroken):
        await sandboxes["bubblewrap"].run(spec)


async def test_without_a_policy_there_is_no_proxy(run: Callable[..., Awaitable[RunResult]]) -> None:
    result = await run("sh", "-c", "env | grep -i proxy; ls /run/egress")
    assert (result.stdout, result.refused_hosts) == (b"", ())


def test_the_proxy_has_a_name_and_a_password_on_loopback_only() -> None:
    proxy = EgressProxy(EgressPolicy(frozenset()), 1234, "word")
    assert proxy.url == "http://codegod:word@127.0.0.1:1234"
