"""The user's repository as a door finds it, before a change of it begins."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

from codegod_kit import Grant
from codegod_mesh import Allocation, Mesh
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.journal import Journal
from codegod_orchestrator.options import BuildOptions, Origin
from codegod_orchestrator.states import BUILD_ENDS

PROBE = "probe"  # stands where a grant wants a build, before there is one
LOOK_SECONDS = 60.0  # every file of a large work tree is read once
BUILDS_LISTED = 100  # more than anybody runs at a time
FILES_NAMED = 5
NAMES_TRIED = 20


async def find_origin(
    mesh: Mesh, folder: str, wanted: str, *, exactly: bool, promised: Collection[str] = ()
) -> Origin:
    """The repository in `folder` with a free branch for the result; raises `Refused` in one line.

    The branch is `wanted`, or one like it unless that is meant `exactly`. `promised` are those of other builds.
    """
    place = require_folder(folder)
    names = [wanted] if exactly else [wanted, *(f"{wanted}-{number}" for number in range(2, NAMES_TRIED))]
    free = next((name for name in names if name not in promised), "")
    if not free:
        raise Refused(f"{wanted!r} is the branch of another change that goes on. Name one with --branch.")
    seen = await _look(mesh, place, free)
    if seen["changed"]:
        raise Refused(_uncommitted(place, seen["changed"]))
    branch = str(seen["free_branch"])
    if not branch or (exactly and branch != wanted):
        raise Refused(
            f"A branch {wanted!r} cannot be made in {str(place)!r}: it exists, or another one stands in its way. Choose "
            "another name with --branch; branches are never overwritten."
        )
    return Origin(folder=str(place), commit=str(seen["head"]), branch=branch)


async def promised_branches(journal: Journal, folder: str) -> frozenset[str]:
    """The branches that other changes of the repository, which have not ended, are going to make."""
    place = str(require_folder(folder))
    builds = [build for build in await journal.builds(BUILDS_LISTED) if build.state not in BUILD_ENDS]
    origins = [BuildOptions.model_validate(build.options).origin for build in builds if build.out == place]
    return frozenset(origin.branch for origin in origins if origin is not None)


def require_folder(folder: str) -> Path:
    """The folder, absolute and without links; raises `Refused` when there is none."""
    place = Path(os.path.realpath(Path(folder).expanduser()))
    if not place.is_dir():
        raise Refused(f"{folder!r} is no folder. Name the folder of a git repository.")
    above = next((one for one in place.parents if (one / ".git").exists()), None)
    if above and not (place / ".git").exists():
        raise Refused(f"{folder!r} lies inside the repository {str(above)!r}. Name that folder.")
    return place


async def _look(mesh: Mesh, place: Path, branch: str) -> dict[str, object]:
    grant = Grant(
        build=PROBE,
        task="",
        attempt="",
        tools=("git.repo_look",),
        source=str(place),
        deadline=time.time() + LOOK_SECONDS,
    )
    view = await mesh.view(Allocation(allow=grant.tools, grant=grant))
    arguments = {"source": str(place), "branch": branch}
    seen = await view.call("git.repo_look", arguments, within=LOOK_SECONDS)
    if seen.is_error or not seen.data:
        raise Refused(" ".join(seen.text.split()))
    return seen.data


def _uncommitted(place: Path, changed: object) -> str:
    paths = [str(path) for path in changed] if isinstance(changed, list) else []
    named = ", ".join(paths[:FILES_NAMED])
    more = f" and {len(paths) - FILES_NAMED} more" if len(paths) > FILES_NAMED else ""
    return (
        f"{str(place)!r} has changes that are in no commit: {named}{more}. A change starts from the last commit: commit "
        "them, or put them away with `git stash -u`, then try again."
    )
