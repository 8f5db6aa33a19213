"""Where a workspace lies: its folder, its repository, and the ref that notes which commit it started from."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from codegod_git.faults import BadName, GitMissing, NoRepository, RedirectedRepository
from codegod_git.lock import WriteLocks
from codegod_git.names import require_ref
from codegod_git.repository import MAIN, TREES, Repository
from codegod_git.runner import Git
from codegod_kit import ServerSettings, Workspaces

OLDEST_GIT = (2, 34)
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_DEFAULT_NAME, _DEFAULT_EMAIL = "Code-God", "codegod@localhost"
_NOT_IN_IDENTITY = re.compile(r"[\x00-\x1f\x7f<>]")
# Names in a git directory by which it uses files that lie elsewhere.
_REDIRECTIONS = ("commondir", "objects/info/alternates", "objects/info/http-alternates")
_REAL = ("HEAD", "config", "objects", "objects/info", "objects/pack", "packed-refs", "refs", "refs/heads")


@dataclass(frozen=True, slots=True)
class Site:
    """One workspace with its repository. `head` is the ref of the commit that the folder started from."""

    workspace: str
    folder: Path
    repository: Repository
    head: str
    scratch: Path

    def is_there(self) -> bool:
        """Whether anything has the folder's name."""
        return os.path.lexists(self.folder)

    @property
    def standalone(self) -> bool:
        """Whether the folder is somebody's own repository and not a tree of a build."""
        return not self.repository.ours


class Sites:
    """The workspaces that one server reaches."""

    def __init__(self, settings: ServerSettings) -> None:
        # What the operator names may be a link; what lies below it may not.
        self.root = settings.root.resolve()
        self.workspaces = Workspaces(replace(settings, root=self.root))
        self.locks = WriteLocks()
        self._path = settings.environment.get("PATH", os.defpath)
        self._identity = _identity(settings.environment)
        self._program = ""

    async def open(self, workspace: str) -> Site:
        """The workspace `workspace`, whose folder and repository must exist."""
        self.workspaces.path(workspace)
        return await self.place(workspace)

    async def place(self, workspace: str) -> Site:
        """As `open`, but the folder need not exist."""
        site = await self.planned(workspace)
        _require_real(site.repository.git.git_dir, site.workspace)
        return site

    async def planned(self, workspace: str) -> Site:
        """As `place`, but the repository need not exist either."""
        build = self.workspaces.build_folder(workspace)
        folder = self.workspaces.place(workspace)
        if self.workspaces.standalone:
            return Site("", folder, await self._repository(build / ".git", ours=False), "HEAD", build)
        handle = self.workspaces.handle(workspace)
        head = tree_ref(handle.tree)
        repository = await self._repository(build / "repo.git", ours=True)
        return Site(str(handle), folder, repository, head, build / "scratch" / "git")

    async def foreign(self, folder: Path) -> Site:
        """Somebody's own repository beside those that are served; it must be whole, and lie in one folder."""
        repository = await self._repository(folder / ".git", ours=False)
        _require_real(repository.git.git_dir, "")
        return Site("", folder, repository, "HEAD", folder)

    async def program(self) -> str:
        """The git that is used; a `GitMissing` when there is none, or none that is new enough."""
        if not self._program:
            found = shutil.which("git", path=self._path)
            if found is None:
                raise GitMissing("there is no program `git` on PATH")
            await _require_version(found)
            self._program = found
        return self._program

    async def _repository(self, git_dir: Path, *, ours: bool) -> Repository:
        return Repository(Git(await self.program(), git_dir), self.locks, self._identity, ours)


def tree_ref(tree: str) -> str:
    """The ref that notes the commit of a build's tree `tree`."""
    try:
        return require_ref(f"{TREES}{tree}")
    except BadName as error:
        raise BadName("tree name that git can note", tree, "storage.2") from error


def default_branch(site: Site) -> str:
    """What `git_log` and the queue look at when nobody names a revision."""
    return "HEAD" if site.standalone else MAIN


async def _require_version(program: str) -> None:
    told = await anyio.run_process([program, "version"], env={}, stderr=subprocess.DEVNULL, check=False)
    found = _VERSION.match(told.stdout.decode("utf-8", "replace"))
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
        raise GitMissing(f"{program!r} says {told.stdout[:80].decode('utf-8', 'replace').strip()!r}")


def _identity(environment: Mapping[str, str]) -> dict[str, str]:
    name = _NOT_IN_IDENTITY.sub("", environment.get("CODEGOD_GIT_NAME", "")).strip() or _DEFAULT_NAME
    email = _NOT_IN_IDENTITY.sub("", environment.get("CODEGOD_GIT_EMAIL", "")).strip() or _DEFAULT_EMAIL
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email))
    }


def require_own_folder(git_dir: Path) -> None:
    """Return if the git directory is a folder; a link or a file that points elsewhere is a `RedirectedRepository`."""
    if not stat.S_ISDIR(git_dir.lstat().st_mode):
        raise RedirectedRepository(git_dir.name)


def _require_real(git_dir: Path, workspace: str) -> None:
    """Refuse a git directory that is not there, or that leads git to files outside itself."""
    try:
        require_own_folder(git_dir)
        (git_dir / "HEAD").lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoRepository(workspace) from error
    for name in _REDIRECTIONS:
        if os.path.lexists(git_dir / name):
            raise RedirectedRepository(f"{git_dir.name}/{name}")
    for name in _REAL:
        if (git_dir / name).is_symlink():
            raise RedirectedRepository(f"{git_dir.name}/{name}")
