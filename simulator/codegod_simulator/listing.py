"""What a simulator can play, as data for those who may not import it: prompts, behaviours, and the tests of them."""

from __future__ import annotations

from codegod_simulator.library import Library
from codegod_simulator.master_answers import ACCEPTANCE_FOLDER
from codegod_simulator.reference import Reference


def listing(library: Library) -> dict[str, object]:
    """Every project with its first prompt, the behaviours it promises and the black-box tests that see them.

    A plan without a skeleton begins with something that exists already: a change, and nothing to build from its prompt.
    """
    references = [library.named(name) for name in library.names]
    return {"projects": [_project(one) for one in references if one.plan.skeleton]}


def _project(reference: Reference) -> dict[str, object]:
    plan = reference.plan
    return {
        "name": plan.name,
        "prompt": plan.prompts[0] if plan.prompts else "",
        "behaviours": [one.model_dump(mode="json", exclude_defaults=True) for one in plan.behaviours],
        "tests": {f"{ACCEPTANCE_FOLDER}{path}": text for path, text in reference.acceptance.items()},
    }
