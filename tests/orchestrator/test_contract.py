"""A contract as the master writes it: proved on stubs and on null bodies, sent back, kept, amended, extended."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio
import pytest

from codegod_kit import GrantIssuer
from codegod_kit.plan import Plan, Task
from codegod_mesh import Builtin, Endpoint, Mesh, MeshSettings
from codegod_models import Done, Event, ModelInfo, ModelName, ModelRequest, TextPart, Usage, parse_model
from codegod_orchestrator.contract import Contractor, ContractRefused
from codegod_orchestrator.journal import ClaimedBuild, Journal
from codegod_orchestrator.redgreen import red_of, unproved_tasks
from codegod_orchestrator.toolset import Toolset
from codegod_orchestrator.voice import Voice
from codegod_workers.answer import fenced

pytestmark = pytest.mark.long

PLAN = Plan(
    name="sums",
    skeleton=("pyproject.toml", "src/sums/__init__.py", "src/sums/__main__.py", "tests/test_smoke.py"),
    start="python -m sums",
    tasks=(
        Task(id="add", type="backend", title="Add", files=("src/sums/add.py",), tests=("tests/test_add.py",)),
        Task(
            id="show",
            type="backend",
            title="Show",
            files=("src/sums/show.py",),
            tests=("tests/test_show.py",),
        ),
    ),
)
FILES = {
    "pyproject.toml": """\
[project]
name = "sums"
version = "0.1.0"
requires-python = ">=3.11"

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
""",
    "src/sums/__init__.py": '"""Sums."""\n',
    "src/sums/__main__.py": "from sums.show import show\n\nprint(show([1, 2]))\n",
    "src/sums/add.py": '"""Adding."""\n\n\ndef add(numbers: list[int]) -> int:\n    raise NotImplementedError\n',
    "src/sums/show.py": '"""Showing."""\n\n\ndef show(numbers: list[int]) -> str:\n    raise NotImplementedError\n',
    "tests/test_smoke.py": "import sums\n\n\ndef test_it_is_there() -> None:\n    assert sums.__doc__\n",
    "tests/test_add.py": """\
from sums.add import add


def test_numbers_are_added() -> None:
    assert add([1, 2]) == 3


def test_nothing_is_zero() -> None:
    assert add([]) == 0


def test_it_can_be_called() -> None:
    add([1])
""",
    "tests/test_show.py": """\
from sums.show import show


def test_a_sum_is_shown() -> None:
    assert show([1, 2]) == "3"
""",
}
HOLLOW_SHOW = """\
from sums.show import show


def test_a_sum_is_shown() -> None:
    shown = show([1, 2])
    assert shown is None or isinstance(shown, str)
"""

Answers = Callable[[int, str], str]


class Played:
    """A master that answers with the files it is asked for; `change` may alter them by attempt and path."""

    model: ModelName = parse_model("simulator:master")

    def __init__(self, change: Answers) -> None:
        self.change = change
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        asked = request.messages[-1].text
        attempt = int(re.findall(r"^Attempt: (\d+)$", asked, re.MULTILINE)[0])
        wanted = re.findall(
            r"^- (\S+)$", asked.partition("Files to write:\n")[2].split("\n\n")[0], re.MULTILINE
        )
        yield TextPart("\n\n".join(fenced(path, self.change(attempt, path)) for path in wanted))
        yield Done("end", Usage(input_tokens=1, output_tokens=1))

    async def check(self) -> ModelInfo:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None


class World:
    def __init__(self, journal: Journal, claimed: ClaimedBuild, mesh: Mesh) -> None:
        self.journal, self.claimed, self.mesh = journal, claimed, mesh

    def contractor(self, master: Played, plan: Plan = PLAN) -> Contractor:
        return Contractor(plan, Voice(master, self.claimed), Toolset(self.mesh, self.claimed.id))

    async def told(self, kind: str) -> Sequence[Mapping[str, object]]:
        return [event.data for event in await self.journal.events_of(self.claimed.id, (kind,))]


@asynccontextmanager
async def _world(folder: Path) -> AsyncIterator[World]:
    settings = MeshSettings(root=folder / "builds", state=folder, issuer=GrantIssuer.new())
    async with Journal.open(folder / "journal.db") as journal:
        endpoints = [Endpoint(name, Builtin()) for name in ("sandbox", "git")]
        build = await journal.create_build("sums")
        async with (
            Mesh(endpoints, settings=settings, recorder=journal).open() as mesh,
            journal.claim_build(build.id, "a test") as claimed,
        ):
            await claimed.save_plan(PLAN)
            await claimed.advance("contracting")
            yield World(journal, claimed, mesh)


def _right(attempt: int, path: str) -> str:
    return FILES[path]


async def test_a_test_that_empty_bodies_pass_is_sent_back_and_never_counts_as_evidence(
    state_dir: Path,
) -> None:
    def hollow_at_first(attempt: int, path: str) -> str:
        return HOLLOW_SHOW if attempt == 1 and path == "tests/test_show.py" else FILES[path]

    master = Played(hollow_at_first)
    async with _world(state_dir) as world:
        with anyio.fail_after(300):
            contract = await world.contractor(master).contract()
        (sent_back,) = await world.told("contract.sent_back")
        kept = (await world.journal.contracts(world.claimed.id))[-1]

    (finding,) = cast("list[str]", sent_back["findings"])
    assert "tests/test_show.py::test_a_sum_is_shown" in finding
    assert "gives back None and gives back the empty value" in finding
    again = master.requests[-1].messages[-1].text
    assert "Attempt: 2" in again
    assert "- tests/test_show.py" in again
    assert "- tests/test_add.py" not in again

    # What was proved is what the journal has, so a build that is taken up again knows it.
    red = red_of(PLAN, kept.evidence.tests)
    assert red == red_of(PLAN, contract.evidence.tests)
    assert red.evidence == (
        "tests/test_add.py::test_numbers_are_added",
        "tests/test_show.py::test_a_sum_is_shown",
    )
    hollow = {test.id: test.hollow for test in kept.evidence.tests if test.hollow}
    assert hollow == {
        "tests/test_add.py::test_nothing_is_zero": ("default",),
        "tests/test_add.py::test_it_can_be_called": ("none", "default"),
    }
    assert set(red.guards) == set(hollow)

    # One conversation: each request begins with all of the one before it.
    for before, after in zip(master.requests, master.requests[1:], strict=False):
        assert after.system == before.system
        assert after.messages[: len(before.messages)] == before.messages


async def test_a_test_that_asserts_nothing_of_an_object_is_sent_back(state_dir: Path) -> None:
    """Neither a stub nor an empty body tells it from one that asserts: both break at the object's first use."""
    shown = "class Shown:\n    text: str = ''\n\n\ndef show(numbers: list[int]) -> Shown:\n    raise NotImplementedError\n"
    right = "from sums.show import show\n\n\ndef test_a_sum_is_shown() -> None:\n    assert show([1, 2]).text == '3'\n"
    files = {"src/sums/show.py": f'"""Showing."""\n\n\n{shown}', "tests/test_show.py": right}

    def empty_at_first(attempt: int, path: str) -> str:
        text = files.get(path, FILES[path])
        return text.replace("assert ", "") if attempt == 1 and path == "tests/test_show.py" else text

    async with _world(state_dir) as world:
        contract = await world.contractor(Played(empty_at_first)).contract()
        (sent_back,) = await world.told("contract.sent_back")
    (finding,) = cast("list[str]", sent_back["findings"])
    assert "`test_a_sum_is_shown` checks nothing" in finding
    assert unproved_tasks(PLAN, red_of(PLAN, contract.evidence.tests)) == ()


async def test_a_contract_is_amended_for_a_task_and_for_a_revised_plan_as_new_proved_versions(
    state_dir: Path,
) -> None:
    stronger = FILES["tests/test_show.py"].replace('show([1, 2]) == "3"', 'show([1, 2]) == "3!"')
    more = Task(
        id="mean",
        type="backend",
        title="Mean",
        files=("src/sums/mean.py",),
        tests=("tests/test_mean.py",),
    )
    texts = {
        "src/sums/mean.py": FILES["src/sums/add.py"].replace("add", "mean"),
        "tests/test_mean.py": "from sums.mean import mean\n\n\ndef test_mean() -> None:\n    assert mean([3, 5]) == 4\n",
    }
    async with _world(state_dir) as world:
        contractor = world.contractor(Played(_right))
        first = await contractor.contract()
        second = await contractor.amend(PLAN.tasks[1], {"tests/test_show.py": stronger})
        with pytest.raises(ContractRefused) as refused:
            await contractor.amend(PLAN.tasks[1], {"tests/test_show.py": HOLLOW_SHOW})
        with pytest.raises(ContractRefused, match="no file of the contract"):
            await contractor.amend(PLAN.tasks[1], {"src/other.py": ""})
        # When the journal did not hear of the commit, the same call finds it and makes no other.
        late = await contractor.amend(PLAN.tasks[1], {"tests/test_show.py": stronger})

        revised = PLAN.model_copy(update={"tasks": (PLAN.tasks[1], more)})
        third = await world.contractor(Played(_right), revised).amend(more, texts)

    assert (first.version, second.version, late.version, third.version) == (1, 2, 3, 4)
    assert first.commit != second.commit == late.commit != third.commit
    assert refused.value.findings[0].rule == "hollow"
    assert {test.file for test in second.evidence.tests} >= {"tests/test_add.py", "tests/test_show.py"}
    # The task that the plan dropped took its files along.
    assert {test.file for test in third.evidence.tests} == {
        "tests/test_smoke.py",
        "tests/test_show.py",
        "tests/test_mean.py",
    }


async def test_a_contract_that_never_proves_a_task_goes_on_and_can_only_get_better(state_dir: Path) -> None:
    def hollow(attempt: int, path: str) -> str:
        return HOLLOW_SHOW if path == "tests/test_show.py" else FILES[path]

    hollow_add = FILES["tests/test_add.py"].replace("assert add([1, 2]) == 3", "add([1, 2])")
    async with _world(state_dir) as world:
        contractor = world.contractor(Played(hollow))
        contract = await contractor.contract()
        assert len(await world.told("contract.sent_back")) == 3
        weak = unproved_tasks(PLAN, red_of(PLAN, contract.evidence.tests))
        assert weak == ("show",)
        amended = await contractor.amend(PLAN.tasks[0], {"src/sums/add.py": FILES["src/sums/add.py"]}, weak)
        with pytest.raises(ContractRefused, match="'add' has no better test"):
            await contractor.amend(PLAN.tasks[0], {"tests/test_add.py": hollow_add}, weak)
        better = await contractor.amend(
            PLAN.tasks[1], {"tests/test_show.py": FILES["tests/test_show.py"]}, weak
        )
    assert unproved_tasks(PLAN, red_of(PLAN, amended.evidence.tests)) == weak
    assert unproved_tasks(PLAN, red_of(PLAN, better.evidence.tests)) == ()


async def test_an_entry_module_that_cannot_be_imported_is_sent_back(state_dir: Path) -> None:
    def broken(attempt: int, path: str) -> str:
        if path == "src/sums/__main__.py":
            return "raise RuntimeError('no entry')\n"
        return FILES[path]

    async with _world(state_dir) as world:
        with pytest.raises(ContractRefused) as refused:
            await world.contractor(Played(broken)).contract()
        assert len(await world.told("contract.sent_back")) == 3
    (finding,) = refused.value.findings
    assert (finding.stage, finding.path) == ("start", "src/sums/__main__.py")
    assert "no entry" in finding.message
