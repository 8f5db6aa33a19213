"""Somebody's own repository that a build starts from: found, looked at, and left as it is.

Nothing that it names is run: git reads its objects and refs with our settings, and its files are read as bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import anyio

from codegod_git.faults import NoRepository, OriginRefused, RedirectedRepository
from codegod_git.look import look_at
from codegod_git.objects import EXECUTABLE, FILE, Entries
from codegod_git.sites import Site, Sites
from codegod_git.snapshot import FILE_LIMIT_BYTES, blob_id
from codegod_git.walk import open_file, open_root

HEADS = "refs/heads/"
# Names tried when the wanted branch is taken: whoever has more of one name chooses another.
_NAMES_TRIED = 99


async def open_origin(sites: Sites, source: str, allowed: str) -> Site:
    """The repository in the folder `source`, if that is the one `allowed`; raises `OriginRefused`."""
    place = _require_place(source, allowed, sites.root)
    try:
        return await sites.foreign(place)
    except NoRepository as error:
        raise OriginRefused(source, "none") from error
    except RedirectedRepository as error:
        raise OriginRefused(source, "redirected") from error


def _require_place(source: str, allowed: str, served: Path) -> Path:
    place = Path(source)
    if not place.is_absolute() or ".." in place.parts or "\0" in source:
        raise OriginRefused(source, "path")
    if not allowed or place != Path(allowed):
        raise OriginRefused(source, "grant")
    if not place.is_dir():
        raise OriginRefused(source, "path")
    real = place.resolve()
    if real == served or served in real.parents or real in served.parents:
        raise OriginRefused(source, "inside")
    return real


async def uncommitted(site: Site) -> list[str]:
    """The files that differ from the commit that HEAD is at; what is ignored, or made by tools, is not among them."""
    look = await look_at(site)
    modified = {path: look.base[path] for path, status in look.changes.items() if status == "modified"}
    algorithm = await site.repository.git.object_format()
    same = await anyio.to_thread.run_sync(_same_but_line_ends, site.folder, modified, algorithm)
    return [path for path in look.changes if path not in same]


def _same_but_line_ends(folder: Path, modified: Entries, algorithm: str) -> set[str]:
    """The modified files that a checkout with other line ends has made, as `.gitattributes` may ask for."""
    same: set[str] = set()
    with open_root(folder) as root:
        for path, entry in modified.items():
            if entry.mode not in (FILE, EXECUTABLE):
                continue
            with open_file(root, path) as opened:
                data = b"" if opened is None else opened[0].read(FILE_LIMIT_BYTES)
            if blob_id(data.replace(b"\r\n", b"\n"), algorithm) == entry.id:
                same.add(path)
    return same


async def free_branch(site: Site, wanted: str) -> str:
    """`wanted` (without `refs/heads/`), or the first name like it that no branch has or stands in the way of."""
    taken = [name.removeprefix(HEADS) for name in await site.repository.refs(HEADS)]
    return next((name for name in _names(wanted) if not _clashes(name, taken)), "")


def _names(wanted: str) -> Iterator[str]:
    for name in (wanted, wanted.replace("/", "-")):
        yield name
        yield from (f"{name}-{number}" for number in range(2, _NAMES_TRIED))


def _clashes(name: str, taken: Sequence[str]) -> bool:
    """Whether a branch of this name, or one that would be a folder of it, is there already."""
    return any(one == name or one.startswith(f"{name}/") or name.startswith(f"{one}/") for one in taken)


async def checked_out(site: Site) -> set[str]:
    """The branches that HEAD, or that of a linked work tree, is on."""
    folders = await anyio.to_thread.run_sync(_heads, site.repository.git.git_dir)
    return {text.removeprefix("ref: ").strip() for text in folders if text.startswith("ref: ")}


def _heads(git_dir: Path) -> list[str]:
    linked: Iterable[Path] = (git_dir / "worktrees").glob("*/HEAD")
    return [head.read_text("utf-8", "replace") for head in (git_dir / "HEAD", *linked) if head.is_file()]
