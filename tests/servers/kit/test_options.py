"""The command line and the environment of a server."""

import base64
import sys
from pathlib import Path
from typing import Any

import pytest

from codegod_kit import Flag, GrantIssuer, UsageFault, default_state
from codegod_kit.options import Options, read_options

KEY = base64.b64encode(GrantIssuer.new().public_key).decode()
TOKEN = "t" * 32


def read(*argv: str, **environment: str) -> Options:
    return read_options("demo", argv, environment)


def test_a_server_stands_alone_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = read(CODEGOD_STATE_DIR="/state", X="1")
    assert options.settings.root == tmp_path
    assert options.settings.state == Path("/state")
    assert options.settings.verifier is None
    assert options.settings.environment["X"] == "1"
    assert options.address is None
    assert options.protocol == "auto"


def test_with_a_key_the_root_is_the_builds_folder() -> None:
    settings = read("--state", "/state", CODEGOD_GRANT_KEY=KEY).settings
    assert settings.verifier is not None
    assert settings.root == Path("/state/builds")


def test_a_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    assert read("--grant-key", str(tmp_path / "key")).settings.verifier is not None


@pytest.mark.parametrize(
    ("argv", "environment", "words"),
    [
        (["--nonsense"], {}, "unrecognized arguments: --nonsense (see --help)"),
        (["--protocol", "old"], {}, "invalid choice: 'old'"),
        (["--root", "/no/such/folder"], {}, "--root '/no/such/folder' is no folder"),
        (["--http", "8000"], {}, "'8000' is not HOST:PORT"),
        (["--http", "localhost:99999"], {}, "'localhost:99999' is not HOST:PORT"),
        (["--http", "localhost:x"], {}, "is not HOST:PORT"),
        (["--http", "0.0.0.0:1"], {}, "set $CODEGOD_TOKEN"),
        (["--http", "example.org:1"], {}, "set $CODEGOD_TOKEN"),
        (["--http", "[::]:1"], {}, "set $CODEGOD_TOKEN"),
        (["--http", "0.0.0.0:1"], {"CODEGOD_TOKEN": "weak"}, "$CODEGOD_TOKEN is too short"),
        (["--http", "127.0.0.1:1"], {"CODEGOD_TOKEN": "weak"}, "$CODEGOD_TOKEN is too short"),
        (["--http", "0.0.0.0:1"], {"CODEGOD_TOKEN": TOKEN}, "--allowed-host"),
        (["--http", "0.0.0.0:1"], {"CODEGOD_TOKEN": "ä" * 32}, "not ASCII"),
        ([], {"CODEGOD_GRANT_KEY": "AAAA"}, "$CODEGOD_GRANT_KEY is no Ed25519 public key"),
        ([], {"CODEGOD_GRANT_KEY": "?"}, "$CODEGOD_GRANT_KEY is no Ed25519 public key"),
        (["--grant-key", "/no/such/file"], {}, "--grant-key '/no/such/file' cannot be read"),
        (["--grant-key", "/dev/null"], {}, "--grant-key '/dev/null' is no Ed25519 public key"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    argv: list[str], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageFault) as caught:
        read(*argv, **environment)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert environment.get("CODEGOD_TOKEN", TOKEN) not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:8000", "127.0.0.1", 8000), ("localhost:0", "localhost", 0), ("[::1]:80", "::1", 80)],
)
def test_loopback_needs_no_token(text: str, host: str, port: int) -> None:
    address = read("--http", text).address
    assert address is not None
    assert (address.host, address.port, address.token) == (host, port, "")


def test_off_loopback_the_token_and_the_hosts_are_kept() -> None:
    argv = ["--http", "0.0.0.0:80", "--allowed-host", "git", "--allowed-host", "git:*"]
    address = read(*argv, CODEGOD_TOKEN=TOKEN).address
    assert address is not None
    assert address.token == TOKEN
    assert address.allowed_hosts == ("git", "git:*")
    assert TOKEN not in repr(address)


def test_a_flag_of_one_server_sets_a_variable() -> None:
    flag = Flag("--allow-deliver", "DEMO_DELIVER", "where to")
    given = read_options("demo", ["--allow-deliver", "/out"], {"DEMO_DELIVER": "/env"}, [flag])
    assert given.settings.environment["DEMO_DELIVER"] == "/out"
    left = read_options("demo", [], {"DEMO_DELIVER": "/env"}, [flag])
    assert left.settings.environment["DEMO_DELIVER"] == "/env"
    assert "DEMO_DELIVER" not in read_options("demo", [], {}, [flag]).settings.environment


@pytest.mark.skipif(sys.platform == "win32", reason="users have no number there")
@pytest.mark.parametrize(
    ("user", "environment", "folder"),
    [
        (0, {}, "/var/lib/codegod"),
        (0, {"CODEGOD_STATE_DIR": "/x"}, "/x"),
        (7, {"XDG_STATE_HOME": "/home/u/s"}, "/home/u/s/codegod"),
        (7, {}, "~/.local/state/codegod"),
    ],
)
def test_the_state_folder(
    user: int, environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert default_state(environment) == Path(folder).expanduser()


def test_help_names_every_option(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        read("--help")
    assert caught.value.code == 0
    told = capsys.readouterr().out
    for option in ("--root", "--state", "--http", "--allowed-host", "--grant-key", "--protocol"):
        assert option in told
