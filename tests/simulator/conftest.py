"""Lays reference projects out as folders and runs their tests as their users would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

RUN_SECONDS = 60
SECONDS = 20  # for a process to start or to end on a busy machine


@dataclass(frozen=True)
class Run:
    """One run of pytest: how each test ended, and the exception's first line for those that failed."""

    passed: frozenset[str]
    failed: Mapping[str, str]
    broken: Mapping[str, str]

    def of(self, path: str) -> set[str]:
        """The tests of one file."""
        stem = path.removesuffix(".py").replace("/", ".")
        return {test for test in (*self.passed, *self.failed, *self.broken) if test.startswith(f"{stem}::")}


def lay_out(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `files` below `folder`."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def run_tests(folder: Path, paths: Sequence[str] = ()) -> Run:
    """Run the tests of the project in `folder`."""
    report = folder / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        *paths,
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    passed, failed, broken = set(), {}, {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        failure, error = case.find("failure"), case.find("error")
        if error is not None:
            broken[name] = error.get("message", "")
        elif failure is not None:
            failed[name] = failure.get("message", "").split("\n")[0]
        else:
            passed.add(name)
    return Run(frozenset(passed), failed, broken)


def findings(folder: Path, *command: str) -> list[dict[str, str]]:
    """What a validator of the virtual environment says about `folder`, as its JSON."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [str(program), *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    found: list[dict[str, str]] = json.loads(done.stdout or "[]")
    return found


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """A running simulator, and what it said of itself."""
    command = [sys.executable, "-m", "codegod_simulator", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            assert process.stdout
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    """The URL of a simulator in a process of its own, without faults."""
    with started() as (_, said):
        yield str(said["url"])


@pytest.fixture
def small_reference(tmp_path: Path) -> Path:
    """A reference project of two tasks, in a folder."""
    plan = """prompts: [Say hello]
name: hello
behaviours:
  - {id: B1, text: It says hello, test: "acceptance/test_hello.py::test_hello"}
skeleton: [pyproject.toml, src/hello/__init__.py, tests/test_smoke.py]
tasks:
  - id: words
    type: backend
    title: The words
    files: [src/hello/words.py]
    tests: [tests/test_words.py]
  - id: readme
    type: documentation
    title: README
    files: [README.md]
    depends: [words]
"""
    return lay_out(
        tmp_path / "hello",
        {
            "plan.yaml": plan,
            "files/pyproject.toml": '[project]\nname = "hello"\nversion = "1"\n',
            "files/src/hello/__init__.py": "",
            "files/src/hello/words.py": 'def hello(name: str) -> str:\n    """A greeting."""\n    return f"Hello {name}"\n',
            "files/README.md": "# hello\n\n```\nhello\n```\n",
            "files/tests/test_smoke.py": "import hello\n\n\ndef test_smoke() -> None:\n    assert hello\n",
            "files/tests/test_words.py": (
                "from hello.words import hello\n\n\ndef test_hello() -> None:\n    assert hello('Ann') == 'Hello Ann'\n"
            ),
            "acceptance/test_hello.py": "def test_hello() -> None:\n    assert True\n",
            "wrong/words/1/src/hello/words.py": 'def hello(name: str) -> str:\n    return "Hello name"\n',
        },
    )
