"""The system call filter of both machines, judged by a small model of the kernel's interpreter."""

import errno
import platform
import struct

import pytest

from codegod_sandbox.seccomp import MACHINES, NoFilter, Sockets, build_filter
from codegod_sandbox.syscalls import LAST_KNOWN

_ALLOW, _KILL = "allow", "kill"
_UNIX, _INET, _INET6, _NETLINK, _PACKET, _ALG, _VSOCK = 1, 2, 10, 16, 17, 38, 40
_STREAM, _DATAGRAM, _RAW, _NONBLOCK = 1, 2, 3, 0o4000


def _judge(program: bytes, audit: int, number: int, *arguments: int) -> str:
    """What the kernel would do: the classic BPF of seccomp, as far as the filter uses it."""
    data = struct.pack("=iIQ6Q", number, audit, 0, *(*arguments, *[0] * (6 - len(arguments))))
    code = [struct.unpack_from("=HBBI", program, place) for place in range(0, len(program), 8)]
    value = place = 0
    while True:
        operation, then, otherwise, constant = code[place]
        place += 1
        match operation:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                place += then if value == constant else otherwise
            case 0x35:
                place += then if value >= constant else otherwise
            case 0x45:
                place += then if value & constant else otherwise
            case 0x06:
                kind, error = constant & 0xFFFF0000, constant & 0xFFFF
                return {0x7FFF0000: _ALLOW, 0x80000000: _KILL}.get(kind) or errno.errorcode[error]
            case _:
                raise AssertionError(f"instruction {operation:#x}")


class _Kernel:
    def __init__(self, machine: str, **options: Sockets | tuple[str, ...]) -> None:
        self._machine = MACHINES[machine]
        self._program = build_filter(machine, **options)  # type: ignore[arg-type]

    def __call__(self, call: str, *arguments: int) -> str:
        return _judge(self._program, self._machine.audit, self._machine.calls[call], *arguments)

    def number(self, number: int, audit: int = 0) -> str:
        return _judge(self._program, audit or self._machine.audit, number)


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "call",
    [
        "ptrace",
        "mount",
        "unshare",
        "setns",
        "bpf",
        "keyctl",
        "io_uring_setup",
        "perf_event_open",
        "open_by_handle_at",
    ],
)
def test_dangerous_calls_are_refused(machine: str, call: str) -> None:
    assert _Kernel(machine)(call) == "EPERM"


def test_ordinary_calls_pass(machine: str) -> None:
    kernel = _Kernel(machine)
    dangerous = {*MACHINES[machine].calls.refused, MACHINES[machine].calls["clone3"]}
    special = {MACHINES[machine].calls[call] for call in ("socket", "socketpair")}
    for number in range(LAST_KNOWN + 1):
        if number not in dangerous | special:
            assert kernel.number(number) == _ALLOW, number


def test_a_call_of_another_abi_kills(machine: str) -> None:
    kernel = _Kernel(machine)
    for other in MACHINES.values():
        if other is not MACHINES[machine]:
            assert kernel.number(1, other.audit) == _KILL
    assert kernel.number(20, 0x40000003) == _KILL  # int 0x80


def test_an_x32_call_kills() -> None:
    assert _Kernel("x86_64").number(0x40000000 | 39) == _KILL


def test_a_call_that_did_not_exist_yet_does_not_exist(machine: str) -> None:
    assert _Kernel(machine).number(LAST_KNOWN + 1) == "ENOSYS"


@pytest.mark.parametrize(
    "flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
)
def test_no_namespace_is_made_by_clone(machine: str, flag: int) -> None:
    kernel = _Kernel(machine)
    assert kernel("clone", flag | 17) == "EPERM"
    assert kernel("clone", 0x003D0F00) == _ALLOW  # a thread
    assert kernel("clone", 17) == _ALLOW  # a child
    assert kernel("clone3") == "ENOSYS"


def test_nobody_types_into_a_terminal(machine: str) -> None:
    kernel = _Kernel(machine)
    assert [kernel("ioctl", 0, request) for request in (0x5412, 0x541C, 0x5401)] == ["EPERM", "EPERM", _ALLOW]
    assert kernel("ioctl", 0, 0x1_0000_5412) == "EPERM"  # the kernel looks at the lower half only


@pytest.mark.parametrize(
    ("sockets", "allowed"),
    [
        ("local", {(family, kind) for family in (_UNIX, _INET, _INET6, _NETLINK) for kind in (1, 2, 3)}),
        ("pairs", set()),
        ("tcp", {(_INET, _STREAM), (_INET6, _STREAM)}),
    ],
)
def test_which_sockets_can_be_opened(machine: str, sockets: Sockets, allowed: set[tuple[int, int]]) -> None:
    kernel = _Kernel(machine, sockets=sockets)
    families = (_UNIX, _INET, _INET6, _NETLINK, _PACKET, _ALG, _VSOCK)
    opened = {
        (family, kind)
        for family in families
        for kind in (_STREAM, _DATAGRAM, _RAW)
        if kernel("socket", family, kind | _NONBLOCK) == _ALLOW
    }
    assert opened == allowed


def test_without_a_network_namespace_a_pair_stays_a_pair(machine: str) -> None:
    kernel = _Kernel(machine, sockets="pairs")
    assert kernel("socketpair", _UNIX, _STREAM | _NONBLOCK) == _ALLOW
    assert kernel("socketpair", _UNIX, _DATAGRAM) == "EPROTONOSUPPORT"
    assert kernel("socketpair", _INET, _STREAM) == "EAFNOSUPPORT"


def test_more_calls_can_be_refused(machine: str) -> None:
    assert _Kernel(machine)("memfd_create") == _ALLOW
    assert _Kernel(machine, refuse=("memfd_create", "kill"))("memfd_create") == "EPERM"


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(NoFilter, match="'riscv64'"):
        build_filter("riscv64")


def test_this_machine_is_known() -> None:
    assert build_filter() == build_filter(platform.machine())
