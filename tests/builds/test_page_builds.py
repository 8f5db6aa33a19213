"""A TypeScript application with a page: built, tested as its README says, and used in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .browser import browsing, find_browser

BUILD_SECONDS = 400  # strict types and linters of JavaScript cost seconds in each of some thirty checks
NPM_SECONDS = 300  # some forty packages over a slow line

pytestmark = [pytest.mark.long, pytest.mark.timeout(2 * BUILD_SECONDS)]


def _tool(found: str | None, name: str) -> str:
    """The path of a program that a developer's machine may lack, and CI's may not."""
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def _serving(folder: Path, data: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "PORT": port, "LIST_FILE": str(data / "list.json")}
    with subprocess.Popen(
        ["node", "dist/main.js"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[\d.]+:\d+/", server.stdout.readline())
            assert found is not None
            yield found.group()
        finally:
            server.terminate()


def test_the_page_of_a_built_typescript_application_works_in_a_browser(place: Any, tmp_path: Path) -> None:
    npm, browser = _tool(shutil.which("npm"), "npm"), _tool(find_browser(), "chromium")
    out = place.folder / "out"
    done = place.codegod(
        "build",
        "Create a shopping list in TypeScript with a web page",
        "--out",
        str(out),
        within=BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 of 5 seen by tests from outside" in done.stdout
    assert f"cd {out} && npm install && npm test" in done.stdout
    assert "view.2" in done.stdout and "store.2" in done.stdout
    assert "tried in TypeScript" in done.stdout

    for command in (["install", "--no-audit", "--no-fund"], ["test"], ["run", "check"], ["run", "build"]):
        ran = subprocess.run(
            [npm, *command], cwd=out, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    with _serving(out, tmp_path) as url, browsing(browser, tmp_path / "profile") as page:
        page.open(url)
        page.await_true("document.querySelector('#items').textContent === 'Nothing to buy.'")
        page.run(
            "document.querySelector('[name=name]').value = '<b>Milk</b>';"
            "document.querySelector('[name=count]').value = '2';"
            "document.querySelector('#add button').click()"
        )
        page.await_true(
            "document.querySelector('#items label')?.textContent.trim() === '<b>Milk</b> \\u00d7 2'"
        )
        assert page.run("document.querySelector('#items b') === null")
        page.run("document.querySelector('#items input').click()")
        page.await_true("document.querySelector('#summary').textContent === 'All done.'")
        assert '"done": true' in (tmp_path / "list.json").read_text(encoding="utf-8")
        page.run("document.querySelector('#items button').click()")
        page.await_true("document.querySelector('#items').textContent === 'Nothing to buy.'")
