"""Whole builds: the command line as a user runs it, with a reference project that no bundle knows."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from codegod_orchestrator.doors.cli import main

BUILD_SECONDS = 170  # a build of three tasks takes seconds; a cold environment is downloaded once

PLAN = """\
prompts: ["Write a tiny money library"]
name: pennies
summary: Amounts of money as whole cents.
stack: {language: Python}
platforms: [cli]
behaviours:
  - {id: B1, text: An amount is shown with two decimals}
skeleton: [pyproject.toml, src/pennies/__init__.py, src/pennies/faults.py, tests/test_smoke.py]
tasks:
  - id: amount
    type: backend
    title: Parse and show amounts
    files: [src/pennies/amount.py]
    tests: [tests/test_amount.py]
  - id: ledger
    type: backend
    title: Add amounts up
    files: [src/pennies/ledger.py]
    depends: [amount]
    tests: [tests/test_ledger.py]
  - id: readme
    type: documentation
    title: The README
    files: [README.md]
    depends: [ledger]
"""

FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "pennies"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []

[dependency-groups]
dev = ["pytest>=8"]

[tool.hatch.build.targets.wheel]
packages = ["src/pennies"]

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
""",
    "src/pennies/__init__.py": '"""Amounts of money."""\n',
    "src/pennies/faults.py": '"""What can go wrong."""\n\n\nclass NotAnAmount(ValueError):\n    """The text is no amount of money."""\n',
    "src/pennies/amount.py": '''\
"""Amounts as whole cents."""

from pennies.faults import NotAnAmount


def parse(text: str) -> int:
    """The cents in a text such as "12.30"; raises NotAnAmount."""
    whole, dot, cents = text.partition(".")
    if not whole.isdigit() or (dot and not (cents.isdigit() and len(cents) == 2)):
        raise NotAnAmount(text)
    return int(whole) * 100 + int(cents or 0)


def show(cents: int) -> str:
    """The cents as text with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"
''',
    "src/pennies/ledger.py": '''\
"""Sums of amounts."""

from collections.abc import Iterable

from pennies.amount import parse, show


def total(amounts: Iterable[str]) -> str:
    """The sum of the amounts, shown."""
    return show(sum(parse(amount) for amount in amounts))
''',
    "tests/test_smoke.py": """\
import pennies
from pennies.faults import NotAnAmount


def test_the_package_is_there() -> None:
    assert pennies.__doc__
    assert issubclass(NotAnAmount, ValueError)
""",
    "tests/test_amount.py": """\
import pytest

from pennies.amount import parse, show
from pennies.faults import NotAnAmount


def test_an_amount_is_parsed() -> None:
    assert parse("12.30") == 1230
    assert parse("7") == 700


def test_what_is_no_amount_is_refused() -> None:
    with pytest.raises(NotAnAmount):
        parse("1.2.3")


def test_an_amount_is_shown() -> None:
    assert show(1205) == "12.05"
""",
    "tests/test_ledger.py": """\
from pennies.ledger import total


def test_amounts_are_added() -> None:
    assert total(["1.10", "2.95"]) == "4.05"
""",
    "README.md": "# pennies\n\nAmounts of money as whole cents.\n\n```\nuv run pytest\n```\n",
}

WRONG_AMOUNT = FILES["src/pennies/amount.py"].replace("{cents % 100:02d}", "{cents % 100}")


def write_project(folder: Path, wrong: Mapping[str, Mapping[str, str]] | None = None) -> Path:
    """The reference project in `folder`; `wrong` are files of wrong tries by `<task>/<n>`."""
    for path, text in FILES.items():
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for place, files in (wrong or {}).items():
        for path, text in files.items():
            target = folder / "wrong" / place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Place:
    """One user's corner of the machine: a state folder of its own and an environment without keys."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        keep = {
            name: value
            for name, value in os.environ.items()
            if name not in {"ANTHROPIC_API_KEY", "OLLAMA_HOST", "MASTER_MODEL", "WORKER_MODEL"}
        }
        return keep | {"CODEGOD_STATE_DIR": str(self.folder / "state"), "COLUMNS": "200"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "codegod_orchestrator.doors.cli", *arguments]

    def codegod(
        self, *arguments: str, check: bool = False, within: float = BUILD_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=within,
            check=check,
        )


@pytest.fixture(scope="session")
def made_environments() -> Iterator[Path]:
    """The environments that builds of this run have made so far, by their content: the next one finds them made."""
    folder = Path(tempfile.mkdtemp(prefix="codegod-envs-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(state_dir: Path, made_environments: Path) -> Iterator[Place]:
    environments = state_dir / "state" / "envs"
    environments.mkdir(parents=True)
    _share(made_environments, environments)
    yield Place(state_dir)
    _share(environments, made_environments)


def _share(source: Path, target: Path) -> None:
    """Link what is whole in one folder of environments into another one; nothing in them is ever written again."""
    for report in source.glob("*/report.json"):
        made = target / report.parent.name
        if not made.exists():
            partial = Path(tempfile.mkdtemp(dir=target))
            shutil.copytree(report.parent, partial / "made", symlinks=True, copy_function=os.link)
            (partial / "made").rename(made)
            partial.rmdir()


@pytest.fixture
def inside(
    place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line without a process of its own, for what ends before any work begins."""
    for name in {*os.environ} - {*place.environment}:
        monkeypatch.delenv(name)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place.folder)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = main(arguments)
        told = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, told.out, told.err)

    return run


@pytest.fixture
def project(state_dir: Path) -> Callable[..., Path]:
    """Writes the made-up reference project below the test's folder."""

    def write(**wrong: Mapping[str, str]) -> Path:
        places = {name.replace("__", "/"): files for name, files in wrong.items()}
        return write_project(state_dir / "reference", places)

    return write


@pytest.fixture
def wrong_amount() -> Mapping[str, str]:
    """A try at the amounts that shows 12.05 as 12.5: the contract test catches it."""
    return {"src/pennies/amount.py": WRONG_AMOUNT}


@pytest.fixture
def git() -> Callable[..., str]:
    """Runs git in a repository and returns what it printed."""

    def run(repository: Path, *arguments: str) -> str:
        command = ["git", "-C", str(repository), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    return run


@pytest.fixture
def suite() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Runs a delivered repository's tests as its user would, outside Code-God and with nothing of it."""

    def run(repository: Path) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:anyio"]
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run
