"""mcp.json: what it says, where it is looked for, and what is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegod_mesh import (
    PACKAGED_CONFIG,
    Builtin,
    Command,
    ConfigFault,
    Endpoint,
    Url,
    find_config,
    load_config,
    user_folder,
)

HOSTS_OWN_KEYS: dict[str, Any] = {"type": "stdio", "alwaysAllow": ["x"], "timeout": 60}


def written(folder: Path, servers: Any) -> Path:
    path = folder / "mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}, indent="\t"), encoding="utf-8")
    return path


def test_each_kind_of_entry(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "git": {"command": "codegod-git", "codegod": {"builtin": True}},
            "memory": {"codegod": {"builtin": True, "run": "process"}},
            "fetch": {"url": "https://fetch.example/mcp", "codegod": {"builtin": True}},
            "sandbox": {
                "command": "docker",
                "args": ["run", "sandbox"],
                "codegod": {"builtin": True, "run": "command"},
            },
            "search": {
                "command": "npx",
                "args": ["-y", "search"],
                "env": {"KEY": "${SEARCH_KEY}", "MODE": "${MODE:-fast}", "PRICE": "$5"},
                "cwd": "/srv",
                "codegod": {"allocate": {"backend": ["search_*"], "*": ["page"]}},
                **HOSTS_OWN_KEYS,
            },
            "wiki": {
                "type": "http",
                "url": "${WIKI}/mcp",
                "headers": {"Authorization": "Bearer ${SEARCH_KEY}"},
            },
            "old": {"command": "gone", "disabled": True},
        },
    )
    config = load_config(path, {"SEARCH_KEY": "secret", "WIKI": "http://wiki:80"})
    allocate = {"backend": ("search_*",), "*": ("page",)}
    environment = {"KEY": "secret", "MODE": "fast", "PRICE": "$5"}
    assert config.endpoints == (
        Endpoint("git", Builtin(), ours=True),
        Endpoint("memory", Builtin(process=True), ours=True),
        Endpoint("fetch", Url("https://fetch.example/mcp"), ours=True),
        Endpoint("sandbox", Command("docker", ("run", "sandbox")), ours=True),
        Endpoint("search", Command("npx", ("-y", "search"), environment, Path("/srv")), allocate=allocate),
        Endpoint("wiki", Url("http://wiki:80/mcp", {"Authorization": "Bearer secret"})),
    )
    assert config.allocated("backend") == ("search.page", "search.search_*")
    assert config.allocated("devops") == ("search.page",)
    assert "secret" not in repr(config)


def test_the_packaged_file_has_our_six_servers_and_is_the_repositorys() -> None:
    config = load_config(PACKAGED_CONFIG, {})
    names = [endpoint.name for endpoint in config.endpoints]
    assert names == ["sandbox", "git", "memory", "fetch", "thinking", "database"]
    assert all(endpoint.ours and endpoint.target == Builtin() for endpoint in config.endpoints)
    root = Path(__file__).parents[2] / "mcp.json"
    assert root.read_text(encoding="utf-8") == PACKAGED_CONFIG.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({}, "3: mcpServers.x: has neither `command` nor `url`"),
        ({"command": 5}, "4: mcpServers.x.command: Input should be a valid string"),
        ({"command": "a", "args": "b"}, "5: mcpServers.x.args: Input should be a valid"),
        ({"command": "a", "env": {"K": "${NOPE}"}}, "6: mcpServers.x.env.K: the variable NOPE is not set"),
        ({"url": "ftp://a"}, "4: mcpServers.x.url: is not an http:// or https:// address"),
        ({"url": "http://a", "command": "b"}, "4: mcpServers.x.url: has a `command` too"),
        (
            {"url": "http://a", "headers": {"H": "${N}"}},
            "6: mcpServers.x.headers.H: the variable N is not set",
        ),
        (
            {"codegod": {"builtin": True}},
            "5: mcpServers.x.codegod.builtin: none of our servers is called 'x'",
        ),
        ({"codegod": {"bulitin": True}}, "5: mcpServers.x.codegod.bulitin: Extra inputs"),
        (
            {"command": "a", "codegod": {"run": "process"}},
            "6: mcpServers.x.codegod.run: is for our own servers only",
        ),
        ({"command": "a", "codegod": {"allocate": {"cooking": []}}}, "mcpServers.x.codegod.allocate.cooking"),
        ("a", "3: mcpServers.x: Input should be a valid dictionary"),
    ],
)
def test_an_error_names_the_line_and_the_field(tmp_path: Path, entry: Any, error: str) -> None:
    path = written(tmp_path, {"x": entry})
    with pytest.raises(ConfigFault) as caught:
        load_config(path, {})
    assert error in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


@pytest.mark.parametrize("name", ["", "a.b", "a b", "../x", "x" * 33, "é"])
def test_a_name_that_could_not_be_a_tools_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigFault, match="is no name for a server"):
        load_config(written(tmp_path, {name: {"command": "a"}}), {})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", ":1: is not JSON"),
        (b'{"mcpServers": {},\n}', ":2: is not JSON"),
        (
            b'{"mcpServers": {"a": {"command": "x"},\n"a": {"command": "y"}}}',
            ":2: the key 'a' stands here twice",
        ),
        (b"{}", ":1: mcpServers: Field required"),
        (b'{"servers": {}}', ":1: mcpServers: Field required"),
        (b"[]", ":1: the whole: "),
        (b"\xff", "is not UTF-8"),
        (b" " * (1024 * 1024 + 1), "more than 1048576 bytes"),
        (b"[" * 100_000, ":1: "),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_configuration_is_a_fault(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "mcp.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigFault) as caught:
        load_config(path, {})
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_variables_come_from_the_process_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_TEST_VALUE", "from the process")
    path = written(tmp_path, {"x": {"command": "a", "env": {"K": "${MESH_TEST_VALUE}"}}})
    (endpoint,) = load_config(path).endpoints
    assert endpoint.target == Command("a", environment={"K": "from the process"})


def test_the_named_file_comes_first_then_the_folders_then_the_users_then_ours(tmp_path: Path) -> None:
    here, config = tmp_path / "here", tmp_path / "config"
    environment = {"XDG_CONFIG_HOME": str(config)}
    here.mkdir()
    assert find_config(None, here, environment) == PACKAGED_CONFIG
    own = user_folder(environment)
    own.mkdir(parents=True)
    assert find_config(None, here, environment) == PACKAGED_CONFIG
    written(own, {})
    assert find_config(None, here, environment) == own / "mcp.json"
    written(here, {})
    assert find_config(None, here, environment) == here / "mcp.json"
    assert find_config(tmp_path / "named.json", here, environment) == tmp_path / "named.json"
