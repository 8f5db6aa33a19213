"""The system calls a sandboxed program may not make, as a classic BPF program.

Pure Python for x86_64 and aarch64, so that no libseccomp is needed. A call that is refused fails with EPERM (or as if
the kernel did not know it), so that programs take their own fallback; a foreign ABI (int 0x80, x32) kills.
"""

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from codegod_sandbox.syscalls import AARCH64, LAST_KNOWN, X86_64, Syscalls

Sockets = Literal["local", "pairs", "tcp"]
"""Which sockets a program may open: any inside its own network namespace, only pairs, or pairs and TCP."""

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_NAMESPACES = 0x7E020080  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
_X32_CALLS = 0x40000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # typing into the terminal of whoever started the server
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_TYPE, _SOCK_STREAM = 0xF, 1

_Code = list[bytes]


@dataclass(frozen=True, slots=True)
class Machine:
    """An instruction set the filter can be made for."""

    audit: int
    calls: Syscalls


MACHINES: Final = {"x86_64": Machine(0xC000003E, X86_64), "aarch64": Machine(0xC00000B7, AARCH64)}


class NoFilter(Exception):
    """There is no list of system calls for this machine."""

    def __init__(self, machine: str) -> None:
        super().__init__(f"no system call filter for {machine!r} (known: {', '.join(MACHINES)})")
        self.machine = machine


def build_filter(machine: str = "", *, sockets: Sockets = "local", refuse: Iterable[str] = ()) -> bytes:
    """The filter for `machine` (this one by default), refusing the calls named in `refuse` as well."""
    name = machine or platform.machine()
    if name not in MACHINES:
        raise NoFilter(name)
    chosen = MACHINES[name]
    numbers = chosen.calls
    code = _right_abi(chosen)
    refused = {*numbers.refused, *(number for call in refuse if (number := numbers.get(call)) is not None)}
    for number in sorted(refused):
        code += _on(number, [_fail(errno.EPERM)])
    code += _on(numbers["clone3"], [_fail(errno.ENOSYS)])  # its flags lie in memory; libc falls back to clone
    code += _on(
        numbers["clone"], [_argument(0), _test(_IF_ANY_BIT, _NAMESPACES, 0, 1), _fail(errno.EPERM), _allow()]
    )
    code += _on(numbers["ioctl"], _unless_argument(1, (_TIOCSTI, _TIOCLINUX), errno.EPERM))
    code += _socket_rules(numbers, sockets)
    return b"".join([*code, _allow()])


def _right_abi(machine: Machine) -> _Code:
    code = [_load(_ARCHITECTURE), _test(_IF_EQUAL, machine.audit, 1, 0), _stop(_KILL), _load(_NUMBER)]
    if machine is MACHINES["x86_64"]:
        code += [_test(_IF_AT_LEAST, _X32_CALLS, 0, 1), _stop(_KILL)]
    # Calls newer than this list might do anything; programs are used to kernels that lack them.
    return [*code, _test(_IF_AT_LEAST, LAST_KNOWN + 1, 0, 1), _fail(errno.ENOSYS)]


def _socket_rules(numbers: Syscalls, sockets: Sockets) -> _Code:
    if sockets == "local":
        families = (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)
        rule = _only_argument(0, families, errno.EAFNOSUPPORT)
        return _on(numbers["socket"], rule) + _on(numbers["socketpair"], rule)
    # Without a network namespace a datagram goes anywhere and a Unix socket reaches the host's services;
    # a stream pair (asyncio makes one) is connected to itself for ever.
    inet = (_AF_INET, _AF_INET6) if sockets == "tcp" else ()
    return _on(numbers["socket"], _stream_of(inet)) + _on(numbers["socketpair"], _stream_of((_AF_UNIX,)))


def _stream_of(families: tuple[int, ...]) -> _Code:
    if not families:
        return [_fail(errno.EAFNOSUPPORT)]
    streams = [
        _argument(1),
        struct.pack("=HBBI", _AND, 0, 0, _SOCK_TYPE),
        *_only_value((_SOCK_STREAM,), errno.EPROTONOSUPPORT),
    ]
    return [_argument(0), *_goto_if(families, [_fail(errno.EAFNOSUPPORT)]), *streams]


def _only_argument(index: int, values: tuple[int, ...], error: int) -> _Code:
    return [_argument(index), *_only_value(values, error)]


def _only_value(values: tuple[int, ...], error: int) -> _Code:
    return [*_goto_if(values, [_fail(error)]), _allow()]


def _unless_argument(index: int, values: tuple[int, ...], error: int) -> _Code:
    return [_argument(index), *_goto_if(values, [_allow()]), _fail(error)]


def _goto_if(values: tuple[int, ...], otherwise: _Code) -> _Code:
    """Skip `otherwise` when the loaded value is one of `values`."""
    last = len(values) - 1
    tests = [_test(_IF_EQUAL, value, last - place + len(otherwise), 0) for place, value in enumerate(values)]
    return tests + otherwise


def _on(number: int, body: _Code) -> _Code:
    """Run `body`, which always ends in a verdict, for one system call."""
    return [_test(_IF_EQUAL, number, 0, len(body)), *body]


def _argument(index: int) -> bytes:
    # The low half: for what is compared here the kernel itself takes 32 bits (clone's flags above them do not exist).
    return _load(_ARGUMENTS + 8 * index)


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _test(kind: int, value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", kind, then, otherwise, value)


def _stop(verdict: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, verdict)


def _fail(error: int) -> bytes:
    return _stop(_ERRNO | error)


def _allow() -> bytes:
    return _stop(_ALLOW)
