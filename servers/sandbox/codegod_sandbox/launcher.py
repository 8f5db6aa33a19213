"""The parent of a program at the level "landlock"; run as a script, with nothing but the standard library.

It speaks bubblewrap's protocol, so that both levels are driven alike: `{"child-pid": n}` on the status pipe, then it
waits for a byte on the block pipe, and `{"exit-code": n}` follows only if the program really ran. It adopts whatever
the program leaves behind and kills it: on exit, on SIGTERM, and when the server dies.
"""

import base64
import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every machine
_PATH_BENEATH, _NET_PORT, _ASK_VERSION = 1, 2, 1
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
_SECCOMP_MODE_FILTER = 2

_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE_IOCTL
_CONNECT_TCP, _ALL_TCP, _ALL_SCOPES = 2, 3, 3
_IOCTL_ABI = 5
OLDEST_ABI = 3  # older ones let a program empty any file of its user
NET_ABI = 4  # TCP can be limited to ports
SCOPES_ABI = 6  # signals and abstract sockets end at the sandbox


def abi() -> int:
    """The version of landlock that this kernel speaks; 0 when it speaks none."""
    if not hasattr(os, "O_PATH"):
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)))


def restrict(version: int, read: Iterable[str], write: Iterable[str], ports: Iterable[int]) -> None:
    """Confine this thread and its children to the paths below `read` and `write` and to TCP connects to `ports`."""
    everything = (1 << (16 if version >= _IOCTL_ABI else 15)) - 1
    net = _ALL_TCP if version >= NET_ABI else 0
    scopes = _ALL_SCOPES if version >= SCOPES_ABI else 0
    handled = struct.pack("=QQQ", everything, net, scopes)[: 24 if scopes else 16 if net else 8]
    rules = _checked(_libc().syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0))
    for paths, rights in ((read, _EXECUTE | _READ | _LIST), (write, everything)):
        for path in paths:
            _allow_path(rules, path, rights)
    for port in ports:
        _checked(_libc().syscall(_ADD_RULE, rules, _NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0))
    _checked(_libc().syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow_path(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # not every machine has every folder of the list
    if not os.path.isdir(path):
        rights &= _ON_FILES
    _checked(_libc().syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0))
    os.close(place)


def _filter_calls(program: bytes) -> None:
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    _checked(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _become(config: Mapping[str, Any], errors: int) -> NoReturn:
    """In the child: wait for the release, give everything up, and turn into the program."""
    try:
        os.setsid()
        if not os.read(config["block"], 1):
            os._exit(1)  # the server is gone
        _give_up(config)
        os.dup2(errors, 3)
        os.set_inheritable(3, False)
        os.closerange(4, 1 << 16)
        errors = 3
    except OSError as error:
        os.write(errors, f"landlock: {error}".encode())
        os._exit(1)
    _execute(config["argv"], config["variables"])


def _give_up(config: Mapping[str, Any]) -> None:
    import resource  # not on Windows, where this module is imported for `abi`

    for name, value in config["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("500")
    if config["uid"] is not None:
        os.setgroups([])
        os.setgid(config["uid"])
        os.setuid(config["uid"])
    libc = _libc()
    _checked(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))  # setuid has cleared it
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    os.umask(0o022)
    restrict(config["abi"], config["read"], config["write"], config["ports"])
    os.chdir(config["folder"])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _filter_calls(base64.b64decode(config["filter"]))


def _execute(argv: list[str], variables: dict[str, str]) -> NoReturn:
    try:
        os.execvpe(argv[0], argv, variables)  # noqa: S606 - there is no shell, and the program is the whole point
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _stop_descendants() -> None:
    """Kill everything below this process. Stopped first: what does not run cannot fork out of the next look."""
    seen: set[int] = set()
    while new := _descendants() - seen:
        _signal_all(new, signal.SIGSTOP)
        seen |= new
    while alive := _descendants():
        _signal_all(alive, signal.SIGKILL)
        _reap_all(len(alive))


def _reap_all(at_most: int) -> None:
    try:
        os.waitpid(-1, 0)
        for _ in range(at_most):
            os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return  # what was seen is gone, or is not ours yet: the next look tells


def _signal_all(processes: Iterable[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found: set[int] = set()
    layer = {os.getpid()}
    while layer:
        layer = {process for process, parent in parents.items() if parent in layer}
        found |= layer
    return found


def _wait_for(program: int) -> int:
    while True:
        process, status = os.waitpid(-1, 0)
        if process == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _stop_at_once(_number: int, _frame: object) -> NoReturn:
    _stop_descendants()
    os._exit(128 + signal.SIGTERM)


def main(config: Mapping[str, Any]) -> int:
    """Run one program as `config` says."""
    signal.signal(signal.SIGTERM, _stop_at_once)
    libc = _libc()
    _checked(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    _checked(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0))
    if os.getppid() != config["parent"]:
        return 1
    failed, errors = os.pipe()
    program = os.fork()
    if program == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _become(config, errors)
    for unused in (errors, config["block"]):
        os.close(unused)
    _say(config["status"], {"child-pid": program})
    code = _wait_for(program)
    problem = os.read(failed, 4096)
    if problem:
        os.write(2, problem + b"\n")
        return 1
    _stop_descendants()
    _say(config["status"], {"exit-code": code})
    return code


def _say(status: int, document: Mapping[str, int]) -> None:
    os.write(status, json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    with open(int(sys.argv[1]), "rb") as file:
        sys.exit(main(json.load(file)))
