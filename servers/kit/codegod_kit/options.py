"""What a server's command line and environment say, read once."""

import argparse
import base64
import binascii
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NoReturn

from codegod_kit.grant import GrantVerifier
from codegod_kit.settings import ServerSettings

KEY_VARIABLE = "CODEGOD_GRANT_KEY"
TOKEN_VARIABLE = "CODEGOD_TOKEN"  # noqa: S105 - the variable's name
STATE_VARIABLE = "CODEGOD_STATE_DIR"
# 32 random characters cannot be guessed over a network; a pet's name can.
_TOKEN_MIN_CHARS = 32
_KEY_BYTES = 32
_LAST_PORT = 65535


class UsageFault(Exception):
    """The command line or the environment is wrong; the text is one line that says what to change."""


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where to listen, which bearer token to demand ("" is none), and which Host headers to take."""

    host: str
    port: int
    token: str = field(repr=False)
    allowed_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of one server only, e.g. `--allow-deliver DIR`: it sets a variable of the settings' environment."""

    option: str
    variable: str
    meaning: str
    metavar: str = "VALUE"


@dataclass(frozen=True, slots=True)
class Options:
    """One server's start."""

    settings: ServerSettings
    address: HttpAddress | None
    protocol: Literal["auto", "legacy"]


def read_options(
    short: str, argv: Sequence[str], environment: Mapping[str, str], flags: Sequence[Flag] = ()
) -> Options:
    """The options of `codegod-<short>`; a `UsageFault` for what cannot be served."""
    given = _parser(short, flags).parse_args(argv)
    own = {flag.variable: getattr(given, flag.variable) for flag in flags}
    environment = {**environment, **{name: value for name, value in own.items() if value is not None}}
    state = Path(given.state) if given.state else default_state(environment)
    key = _read_key(given.grant_key, environment)
    settings = ServerSettings(
        root=_folder(given.root, state, granted=key is not None),
        state=state.absolute(),
        verifier=None if key is None else GrantVerifier(key),
        environment=environment,
    )
    address = None if given.http is None else _address(given.http, given.allowed_host, environment)
    return Options(settings, address, given.protocol)


def default_state(environment: Mapping[str, str]) -> Path:
    """The state folder when nobody names one: CODEGOD_STATE_DIR, /var/lib/codegod for root, else the user's own."""
    if named := environment.get(STATE_VARIABLE):
        return Path(named)
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/codegod")
    if home := environment.get("XDG_STATE_HOME"):
        return Path(home) / "codegod"
    return Path.home() / ".local" / "state" / "codegod"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageFault(f"{message} (see --help)")


def _parser(short: str, flags: Sequence[Flag]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"codegod-{short}", description=f"Code-God's {short} server, over stdio by default."
    )
    parser.add_argument("--root", metavar="DIR", help="the folder to serve (default: the current folder)")
    parser.add_argument("--state", metavar="DIR", help=f"where to keep state (default: ${STATE_VARIABLE})")
    parser.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP at /mcp instead of stdio")
    parser.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a Host header to take off loopback, e.g. `git:*`; may be repeated",
    )
    parser.add_argument(
        "--grant-key",
        metavar="FILE",
        help=f"public key that grants are checked with (default: ${KEY_VARIABLE})",
    )
    parser.add_argument(
        "--protocol",
        choices=("auto", "legacy"),
        default="auto",
        help="legacy: on stdio, for hosts that cannot start with `server/discover`",
    )
    for flag in flags:
        parser.add_argument(flag.option, dest=flag.variable, metavar=flag.metavar, help=flag.meaning)
    return parser


def _folder(root: str | None, state: Path, *, granted: bool) -> Path:
    if root is None and granted:
        return state.absolute() / "builds"
    folder = Path(root or ".").absolute()
    if not granted and not folder.is_dir():
        raise UsageFault(f"--root {str(folder)!r} is no folder; make it, or name another one")
    return folder


def _read_key(file: str | None, environment: Mapping[str, str]) -> bytes | None:
    text, where = environment.get(KEY_VARIABLE, ""), f"${KEY_VARIABLE}"
    if file is not None:
        where = f"--grant-key {file!r}"
        try:
            text = Path(file).read_text(encoding="ascii")
        except (OSError, UnicodeError) as error:
            raise UsageFault(f"{where} cannot be read: {error}") from error
    if not text.strip() and file is None:
        return None
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UsageFault(f"{where} is no Ed25519 public key: expected {_KEY_BYTES} bytes in base64")
    return key


def _address(text: str, allowed_hosts: Sequence[str], environment: Mapping[str, str]) -> HttpAddress:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isdecimal() and int(port) <= _LAST_PORT):
        raise UsageFault(f"--http {text!r} is not HOST:PORT, e.g. 127.0.0.1:8000")
    token = environment.get(TOKEN_VARIABLE, "")
    if token and (len(token) < _TOKEN_MIN_CHARS or not token.isascii()):
        raise UsageFault(
            f"${TOKEN_VARIABLE} is too short or not ASCII: {_TOKEN_MIN_CHARS} characters at least"
        )
    if not _is_loopback(host):
        if not token:
            raise UsageFault(f"--http {text!r} is not loopback: set ${TOKEN_VARIABLE} to a secret of its own")
        if not allowed_hosts:
            raise UsageFault(
                f"--http {text!r} is not loopback: name the hosts it answers to with --allowed-host"
            )
    return HttpAddress(host, int(port), token, tuple(allowed_hosts))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
