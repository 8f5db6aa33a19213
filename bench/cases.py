"""The builds of a whole run: which project, played how well or how badly, and what may become of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from codegod_kit.plan import Plan, load_plan
from codegod_simulator.faults import KINDS

ABLATIONS = ("no_checks", "no_contract_tests", "no_resample", "no_amendment")
GROUPS = "oracle,null,faults,preset,ablations"
LADDER = "simulator,simulator:strong"
WEAK = "simulator"
# Builds at a published rate go round these: slips are made in Python, and the small projects give more builds an hour.
MIX = ("word-count", "todo-api", "word-count", "todo-api", "stockroom")

QUICK_FAULTS = frozenset(
    {
        "worker:prose",
        "worker:truncation",
        "worker:malformed_json",
        "worker:no_work",
        "worker:stub_body",
        "worker:empty_values",
        "worker:hallucinated_import",
        "worker:signature_drift",
        "worker:same_answer",
        "worker:deleted_test",
        "master:wrong_test",
        "master:vacuous_test",
        "master:stub_disagrees",
        "master:two_owners",
        "master:cycle",
        "master:529",
    }
)


@dataclass(frozen=True, slots=True)
class Project:
    """One reference project."""

    folder: Path
    plan: Plan

    @property
    def prompt(self) -> str:
        return self.plan.prompts[0]

    @property
    def is_bundled(self) -> bool:
        return self.folder.parent == _bundle()


@dataclass(frozen=True, slots=True)
class Case:
    """One build to be made, and what may become of it."""

    project: Project
    group: str
    name: str
    options: str
    ladder: str = LADDER
    must_be_done: bool = False
    must_not_be_done: bool = False
    fault: str = ""
    """The one thing that goes wrong; nothing is known of the product where it finds nothing to strike."""
    without: str = ""
    """What is taken out of the product for this build; such a one may end as it likes."""

    @property
    def key(self) -> str:
        """What tells this build from all others of a run, and knows it again in a later one."""
        return f"{self.project.plan.name} / {self.group} / {self.options} / {self.ladder} / {self.without}"


def projects(folders: Sequence[Path], names: Sequence[str]) -> list[Project]:
    """The bundled projects and those in `folders`: those called one of `names` in that order, or all."""
    found = [folder for folder in sorted(_bundle().iterdir()) if (folder / "plan.yaml").is_file()]
    loaded = [Project(folder, load_plan(folder / "plan.yaml")) for folder in [*found, *folders]]
    if not names:
        return loaded
    return [project for name in names for project in loaded if project.plan.name == name]


def cases(chosen: Sequence[Project], options: argparse.Namespace) -> Iterator[Case]:
    """All builds of a run, in order."""
    groups = options.only.split(",")
    seed = options.seed
    for project in chosen:
        if "oracle" in groups:
            yield Case(project, "oracle", "oracle", f"--preset oracle --seed {seed}", must_be_done=True)
        if "null" in groups:
            for preset in ("stubs", "empty"):
                yield Case(project, "null", preset, f"--preset {preset} --seed {seed}", must_not_be_done=True)
    for project in _cheapest(chosen) if options.quick else chosen:
        for fault in faults(options) if "faults" in groups else ():
            played = f"--preset oracle --fault {fault} --seed {seed}"
            yield Case(project, "faults", fault, played, fault=fault)
    if "preset" in groups:
        for ladder, title in ((LADDER, "with a strong last rung"), (WEAK, "without upper rungs")):
            name = f"{options.preset} {title}"
            for number, project in enumerate(_mixed(chosen, options.builds)):
                played = f"--preset {options.preset} --seed {seed + number}"
                yield Case(project, name, name, played, ladder)
    if "ablations" in groups:
        yield from _ablations(chosen, options)


def _ablations(chosen: Sequence[Project], options: argparse.Namespace) -> Iterator[Case]:
    """The first of the builds at a published rate once more, with a part of the product taken out.

    What amendments are worth shows only where a contract is wrong: that one has a comparison of its own.
    """
    for number, project in enumerate(_mixed(chosen, options.ablated)):
        for without in (*ABLATIONS, ""):
            wrong = " --fault master:wrong_test" if without in {"", "no_amendment"} else ""
            played = f"--preset {options.preset} --seed {options.seed + number}{wrong}"
            name = without or "all, wrong contract"
            yield Case(project, f"ablation: {name}", name, played, without=without)


def _mixed(chosen: Sequence[Project], builds: int) -> list[Project]:
    """As many projects as `builds`, by the mix; those of `chosen` in turn when none of them is in it."""
    by_name = {project.plan.name: project for project in chosen}
    mix = [by_name[name] for name in MIX if name in by_name] or list(chosen)
    return [mix[number % len(mix)] for number in range(builds)]


def _cheapest(chosen: Sequence[Project]) -> list[Project]:
    return sorted(chosen, key=lambda project: len(project.plan.tasks))[:1]


def faults(options: argparse.Namespace) -> list[str]:
    """The catalogue, each fault alone."""
    every = [f"{role}:{kind}" for role, kinds in KINDS.items() for kind in kinds]
    if options.fault:
        return [
            fault for fault in every if fault in options.fault or fault.partition(":")[2] in options.fault
        ]
    return [fault for fault in every if fault in QUICK_FAULTS] if options.quick else every


def _bundle() -> Path:
    return Path(str(resources.files("codegod_simulator") / "projects"))
