"""What a tree's own `.gitignore` and `.gitattributes` say, asked of git without showing it the tree.

git gets a private folder that holds copies of these files and nothing else. It matches names; it opens nothing of the
tree, runs no filter, and a symbolic link called `.gitignore` is not followed.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from codegod_git.faults import Unrecordable
from codegod_git.runner import Git
from codegod_git.walk import Found, open_file, open_root

_RULE_FILES = (".gitignore", ".gitattributes")
# The largest that we have seen is 20 KiB; every pattern is tried on every path.
RULES_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one tree at one moment."""

    _git: Git
    _filters: bool

    async def ignored(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that the rules leave out of commits."""
        if not paths:
            return set()
        asked = _table([f"./{path}" for path in paths])
        # Status 1 is "none of them".
        told = await self._git.run(
            "check-ignore", "--no-index", "-z", "--stdin", stdin=asked, statuses=(0, 1)
        )
        return {path.removeprefix("./") for path in _split(told)}

    async def filtered(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` whose content passes through a program of the user's (as with Git LFS)."""
        if not (paths and self._filters):
            return set()
        told = _split(await self._git.run("check-attr", "-z", "--stdin", "filter", stdin=_table(paths)))
        triples = zip(told[0::3], told[2::3], strict=True)
        return {path for path, value in triples if value not in ("unspecified", "unset", "set")}


@asynccontextmanager
async def tree_rules(git: Git, root: Path, found: Sequence[Found]) -> AsyncIterator[Rules]:
    """The rules among the files `found` in the tree at `root`."""
    with tempfile.TemporaryDirectory(prefix="codegod-rules-") as folder:
        private = Path(folder)
        filters = await anyio.to_thread.run_sync(_copy_rules, root, found, private)
        filters = filters or _mentions_filters(git.git_dir / "info" / "attributes")
        yield Rules(git.on(private), filters)


def _copy_rules(root: Path, found: Sequence[Found], private: Path) -> bool:
    filters = False
    with open_root(root) as descriptor:
        for one in found:
            name = one.path.rpartition("/")[2]
            if one.kind != "file" or name not in _RULE_FILES:
                continue
            text = _read_rules(descriptor, one.path)
            copy = private / one.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text)
            filters = filters or (name == ".gitattributes" and b"filter" in text)
    return filters


def _read_rules(root: int, path: str) -> bytes:
    with open_file(root, path) as opened:
        text = b"" if opened is None else opened[0].read(RULES_LIMIT_BYTES + 1)
    if len(text) > RULES_LIMIT_BYTES:
        raise Unrecordable([(path, f"more than {RULES_LIMIT_BYTES} bytes of rules")])
    return text


def _mentions_filters(attributes: Path) -> bool:
    try:
        return b"filter" in attributes.read_bytes()
    except FileNotFoundError:
        return False


def _table(paths: Sequence[str]) -> bytes:
    return "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")


def _split(told: bytes) -> list[str]:
    return [part.decode("utf-8", "surrogateescape") for part in told.split(b"\0")[:-1]]
