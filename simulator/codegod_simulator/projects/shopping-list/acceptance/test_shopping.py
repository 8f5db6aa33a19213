"""What was asked for, seen from outside: the built application as a process, over HTTP."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as `npm run build` makes it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("built")
    resolve = ["node", "-p", "require.resolve('typescript/bin/tsc')"]
    compiler = subprocess.run(resolve, capture_output=True, text=True, check=True)
    build = ["-p", "tsconfig.build.json", "--outDir", str(folder / "dist")]
    subprocess.run(["node", compiler.stdout.strip(), *build], check=True)
    shutil.copytree("public", folder / "public")
    shutil.copy("package.json", folder)
    return folder


@contextmanager
def serving(built: Path, data: Path) -> Iterator[str]:
    """The address of a server that keeps its list in `data`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "PORT": port, "LIST_FILE": str(data / "list.json")}
    command = ["node", "dist/main.js"]
    with subprocess.Popen(
        command, cwd=built, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[\d.]+:\d+", server.stdout.readline())
            assert found is not None
            yield found.group()
        finally:
            server.terminate()


@pytest.fixture
def address(built: Path, tmp_path: Path) -> Iterator[str]:
    with serving(built, tmp_path) as where:
        yield where


def ask(url: str, method: str = "GET", values: object = None) -> tuple[int, dict]:
    body = None if values is None else json.dumps(values).encode()
    request = urllib.request.Request(url, body, HEADERS, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read() or "{}")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_the_page_and_its_script_are_served(address: str) -> None:
    with urllib.request.urlopen(f"{address}/", timeout=10) as response:
        page = response.read().decode()
    source = re.search(r'src="(/client/[a-z]+\.js)"', page)
    assert source is not None
    with urllib.request.urlopen(f"{address}{source.group(1)}", timeout=10) as script:
        assert "javascript" in script.headers["Content-Type"]


def test_an_item_that_was_added_is_on_the_list(address: str) -> None:
    status, added = ask(f"{address}/items", "POST", {"name": "Milk", "count": 2})
    assert status == 201
    assert ask(f"{address}/items")[1] == {"items": [added]}
    assert (added["name"], added["count"], added["done"]) == ("Milk", 2, False)


def test_items_are_ticked_off_and_removed(address: str) -> None:
    item = ask(f"{address}/items", "POST", {"name": "Milk"})[1]["id"]
    assert ask(f"{address}/items/{item}", "PATCH", {"done": True})[1]["done"] is True
    assert ask(f"{address}/items/{item}", "DELETE")[0] == 204
    assert ask(f"{address}/items")[1] == {"items": []}


def test_the_list_survives_a_restart(built: Path, tmp_path: Path) -> None:
    with serving(built, tmp_path) as address:
        ask(f"{address}/items", "POST", {"name": "Milk"})
    with serving(built, tmp_path) as address:
        (item,) = ask(f"{address}/items")[1]["items"]
    assert item["name"] == "Milk"


def test_wrong_input_is_refused_with_a_reason(address: str) -> None:
    status, refused = ask(f"{address}/items", "POST", {"name": ""})
    assert status == 422
    assert "name" in str(refused["error"])
    assert ask(f"{address}/items/99", "PATCH", {"done": True})[0] == 404
