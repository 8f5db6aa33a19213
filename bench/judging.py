"""Judges one delivered repository by what its reference project meant, from outside and with nothing of Code-God running.

    uv run python bench/judging.py [--commits] REFERENCE DELIVERED

One line for everything that is wrong: behaviours that the reference's acceptance tests do not find, contract tests that
are not those that were meant, and, with --commits, first-parent commits of `main` at which the suite is not green.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codegod_kit.plan import Plan, load_plan

TEST_SECONDS = 120
START_SECONDS = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path)
    parser.add_argument("delivered", type=Path)
    parser.add_argument("--commits", action="store_true", help="run the suite at every first-parent commit")
    options = parser.parse_args()
    plan = load_plan(options.reference / "plan.yaml")
    complaints = [
        *_acceptance(options.reference, plan, options.delivered),
        *_landed(options.reference, plan, options.delivered),
        *(_red_commits(options.delivered) if options.commits else ()),
    ]
    for complaint in complaints:
        print(complaint)
    return 0


def _acceptance(project: Path, plan: Plan, out: Path) -> Iterator[str]:
    """The behaviours that the delivered repository does not have, by the tests of the reference."""
    with tempfile.TemporaryDirectory(prefix="codegod-judge-") as place:
        tree = Path(place) / "tree"
        shutil.copytree(out, tree, ignore=shutil.ignore_patterns(".git", "acceptance"))
        shutil.copytree(project / "acceptance", tree / "acceptance")
        with _running(plan, tree) as more:
            done = _pytest(tree, "acceptance", more)
    if done.returncode:
        yield f"acceptance: {_last_line(done.stdout)}"


@contextmanager
def _running(plan: Plan, tree: Path) -> Iterator[dict[str, str]]:
    """The application, started as its plan says; yields what its tests find in their environment."""
    words = shlex.split(plan.start)
    if words and "=" in words[0]:
        words.insert(0, "env")  # `NAME=value program` is a shell's way to say that
    given = {"APP_COMMAND": shlex.join(words)} if words else {}
    if "{port}" not in plan.start:
        yield given
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [word.replace("{port}", str(port)) for word in words]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=tree, env=_outside(tree), stdout=nowhere, stderr=nowhere) as process:
        try:
            _await(f"{url}{plan.health or '/'}", process)
            yield {"APP_URL": url, **given}
        finally:
            process.kill()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until `url` answers or the process or the patience ends: the tests say the rest."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a URL of this program's own making
                return
        except urllib.error.HTTPError as answered:
            if answered.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.1)


def _landed(project: Path, plan: Plan, out: Path) -> Iterator[str]:
    """Contract tests of the delivered repository that are not those that were meant: a wrong contract landed."""
    for task in plan.tasks:
        for path in task.tests:
            meant = _meant(project, path)
            if not (out / path).is_file() or (out / path).read_text("utf-8").strip() != meant.strip():
                yield f"wrong contract landed: {path}"


def _meant(folder: Path, path: str) -> str:
    own = folder / "contract" / path
    return (own if own.is_file() else folder / "files" / path).read_text("utf-8")


def _red_commits(out: Path) -> Iterator[str]:
    """First-parent commits of `main` at which the suite is not green."""
    listed = _git(out, "rev-list", "--first-parent", "--reverse", "main").split()
    with tempfile.TemporaryDirectory(prefix="codegod-judge-") as place:
        tree = Path(place) / "tree"
        _git(out, "worktree", "add", "--detach", str(tree), listed[0])
        for commit in listed:
            _git(tree, "checkout", "-q", "--detach", commit)
            done = _pytest(tree, ".", {})
            if done.returncode:
                yield f"suite red at {commit[:10]}: {_last_line(done.stdout)}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _pytest(tree: Path, where: str, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:anyio",
        where,
    ]
    return subprocess.run(
        command,
        cwd=tree,
        env=_outside(tree) | more,
        capture_output=True,
        text=True,
        timeout=TEST_SECONDS,
        check=False,
    )


def _outside(tree: Path) -> dict[str, str]:
    """The environment of somebody who runs the delivered application here."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "nothing was said"


if __name__ == "__main__":
    sys.exit(main())
