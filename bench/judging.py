"""Judges one delivered repository by what its reference project meant, from outside and with nothing of Code-God running.

    uv run python -m bench.judging [--commits-only] [--cache DIR] REFERENCE DELIVERED

One line for everything that is wrong: behaviours that the reference's acceptance tests do not find, contract tests that
are not those that were meant, and first-parent commits of `main` at which the suite is not green. Of a repository that
nobody called done, the commits alone are judged. A tree that was green in an earlier run with the same cache is green.
"""

from __future__ import annotations

import argparse
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

from bench.suites import failure, give_node_modules, outside, run_pytest, run_suite

from codegod_kit.plan import Plan, load_plan

START_SECONDS = 60.0  # a web framework on a machine that is busy with other builds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path)
    parser.add_argument("delivered", type=Path)
    parser.add_argument("--commits-only", action="store_true", help="judge the commits and nothing else")
    parser.add_argument("--cache", type=Path, help="keep packages and the names of green trees here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codegod-judge-") as place:
        cache = options.cache or Path(place) / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        for complaint in _complaints(options, cache, Path(place)):
            print(complaint, flush=True)
    return 0


def _complaints(options: argparse.Namespace, cache: Path, place: Path) -> Iterator[str]:
    if not options.commits_only:
        plan = load_plan(options.reference / "plan.yaml")
        yield from _acceptance(options.reference, plan, options.delivered, cache)
        yield from _landed(options.reference, plan, options.delivered)
    if (options.delivered / ".git").exists():
        yield from _red_commits(options.delivered, place / "commits", cache)
    elif not options.commits_only:
        yield "no repository was delivered"


def _acceptance(project: Path, plan: Plan, out: Path, cache: Path) -> Iterator[str]:
    """The behaviours that the delivered repository does not have, by the tests of the reference.

    Those are Python whatever the application is written in: they see it from outside alone.
    """
    with tempfile.TemporaryDirectory(prefix="codegod-judge-") as place:
        tree = Path(place) / "tree"
        shutil.copytree(out, tree, ignore=shutil.ignore_patterns(".git", "acceptance", "node_modules"))
        shutil.copytree(project / "acceptance", tree / "acceptance")
        give_node_modules(tree, cache)
        with _running(plan, tree) as more:
            done = run_pytest(tree, "acceptance", more)
    if done.returncode:
        yield f"acceptance: {failure(done)}"


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
    with subprocess.Popen(command, cwd=tree, env=outside(tree), stdout=nowhere, stderr=nowhere) as process:
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


def _red_commits(out: Path, tree: Path, cache: Path) -> Iterator[str]:
    """First-parent commits of `main` at which the suite is not green."""
    _git(out, "clone", "-q", "--branch", "main", str(out), str(tree))
    for commit in _git(tree, "rev-list", "--first-parent", "--reverse", "main").split():
        green = cache / f"green-{_git(tree, 'rev-parse', f'{commit}^{{tree}}').strip()}"
        if green.exists():
            continue
        _git(tree, "checkout", "-q", "--force", "--detach", commit)
        _git(tree, "clean", "-dfxq")
        done = run_suite(tree, cache)
        if done.returncode:
            yield f"suite red at {commit[:10]}: {failure(done)}"
        else:
            green.touch()


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


if __name__ == "__main__":
    sys.exit(main())
