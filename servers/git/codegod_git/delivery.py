"""The tool that hands a repository over: a plain one, with its files, in a folder of the user's."""

import shutil
import stat
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from pydantic import Field

from codegod_git.arguments import ADDS, Workspace
from codegod_git.checkout import erase, write_files
from codegod_git.faults import DeliveryRefused, UnknownRevision
from codegod_git.records import Delivered
from codegod_git.redelivery import advance, earlier_delivery
from codegod_git.repository import LANDED, MAIN, TREES, Repository
from codegod_git.runner import Git
from codegod_git.sites import Site, Sites
from codegod_kit import current_grant

# What belongs to the work; the notes of this server about its trees and its queue do not.
_KEPT = ("refs/heads/", "refs/tags/", "refs/notes/", "refs/codegod/")
_LEFT = (TREES, LANDED)


def register_delivery(server: MCPServer[Any], sites: Sites, allowed: str) -> None:
    """Add `repo_deliver` to `server`; `allowed` is the folder it may make when no grant names one."""

    @server.tool(annotations=ADDS)
    async def repo_deliver(
        destination: Annotated[str, Field(description="The folder to make, absolute, e.g. `/home/ann/todo`")],
        workspace: Workspace = "",
    ) -> Delivered:
        """Make a plain git repository in a new folder: the main branch checked out, every other ref kept.

        Asked again later, what came since is added there, unless its owner has changed the same files or the branch.
        """
        site = await sites.place(workspace)
        grant = current_grant()
        place = _require_place(destination, allowed if grant is None else grant.deliver, site)
        async with site.repository.writing():
            return await _deliver(sites, site, place)


async def _deliver(sites: Sites, site: Site, place: Path) -> Delivered:
    repository = site.repository
    branch = await repository.branch() or MAIN
    if not (head := await repository.ref(branch)):
        raise UnknownRevision(branch)
    counted = int(await repository.git.run("rev-list", "--count", head))
    if _is_delivered(place, branch, head):
        return Delivered(path=str(place), head=head, commits=counted)
    if not _is_free(place):
        earlier = await earlier_delivery(sites, site, place, branch, head)
        if earlier is None:
            raise DeliveryRefused(str(place), "taken")
        await advance(earlier, await _kept(repository), site.scratch)
        return Delivered(path=str(place), head=head, commits=counted)
    # One name for each build: we hold its write lock, so what is there already was left by a crash.
    building = place.with_name(f".{place.name}.codegod-{site.workspace.partition('/')[0] or 'partial'}")
    await erase(building)
    try:
        building.mkdir(mode=0o700)
    except OSError as error:
        raise DeliveryRefused(str(place), "parent") from error
    try:
        await _fill(site, building, branch, head)
        await anyio.to_thread.run_sync(_put, building, place)
    finally:
        with anyio.CancelScope(shield=True):
            await erase(building)
    return Delivered(path=str(place), head=head, commits=counted)


async def _fill(site: Site, folder: Path, branch: str, head: str) -> None:
    source = site.repository
    target = Git(source.git.program, folder / ".git")
    await write_files(source.git, await source.entries(head), folder)
    await target.create(bare=False, object_format=await source.git.object_format())
    await anyio.to_thread.run_sync(_keep_shallow, source.git.git_dir, target.git_dir)
    refs = await _kept(source)
    wanted = "".join(f"{value}\n" for value in sorted(set(refs.values()))).encode()
    pack = target.git_dir / "objects" / "pack" / "pack"
    await source.git.run("pack-objects", "--quiet", "--revs", "--delta-base-offset", str(pack), stdin=wanted)
    lines = "".join(f"create {name}\0{value}\0" for name, value in refs.items()).encode()
    await target.run("update-ref", "--stdin", "-z", stdin=lines)
    await target.run("symbolic-ref", "HEAD", branch)
    await target.run("read-tree", head)
    # The files are ours and no program runs yet: let the index know them, so that the first `git status` is clean.
    await target.on(folder).run("update-index", "-q", "--refresh", statuses=(0, 1))


async def _kept(source: Repository) -> dict[str, str]:
    """The refs that are handed over, with where they are."""
    return {name: value for name, value in (await source.refs(*_KEPT)).items() if not name.startswith(_LEFT)}


def _keep_shallow(source: Path, target: Path) -> None:
    """A history that is cut off here is cut off at the same commits there."""
    if (source / "shallow").exists():
        shutil.copyfile(source / "shallow", target / "shallow")


def _put(building: Path, place: Path) -> None:
    """Give the finished folder its name; whoever got there first keeps the place."""
    building.chmod(0o755)
    try:
        building.rename(place)
    except OSError as error:
        raise DeliveryRefused(str(place), "taken") from error


def _require_place(destination: str, allowed: str, site: Site) -> Path:
    place = Path(destination)
    if not place.is_absolute() or ".." in place.parts or "\0" in destination or not place.name:
        raise DeliveryRefused(destination, "path")
    if not allowed or place != Path(allowed):
        raise DeliveryRefused(destination, "grant")
    parent = place.parent
    if not parent.is_dir():
        raise DeliveryRefused(destination, "parent")
    real = parent.resolve() / place.name
    served = site.folder.resolve() if site.standalone else site.folder.parents[1].resolve()
    if real == served or served in real.parents or real in served.parents:
        raise DeliveryRefused(destination, "inside")
    return real


def _is_delivered(place: Path, branch: str, head: str) -> bool:
    """Whether this very state was handed over before: whoever asked may have died before it heard the answer."""
    try:
        return (place / ".git" / branch).read_text("ascii").strip() == head
    except (OSError, UnicodeDecodeError):
        return False


def _is_free(place: Path) -> bool:
    try:
        return stat.S_ISDIR(place.lstat().st_mode) and not any(place.iterdir())
    except FileNotFoundError:
        return True
