"""Where packages come from on this machine, in the words of the user's own tools: uv and pip.

No host is named in this code: uv says which indexes it would use, its own default included, and pip what its
configuration adds.
"""

import ast
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import anyio

from codegod_kit.faults import ToolFault
from codegod_sandbox.execution_faults import BadSetting

_TOOL_SECONDS = 30
_SAID_CHARS = 500
_ASK_UV: Final = (
    "pip",
    "compile",
    "--offline",
    "--quiet",
    "--no-header",
    "--emit-index-url",
    "--emit-find-links",
    "-",
)
_PIP_VARIABLE: Final = "PIP_"
_PIP_SECTIONS: Final = ("global", "install", ":env:")  # a later one wins
_SYSTEM_FOLDERS: Final = ("/proc", "/dev", "/sys", "/run", "/etc", "/opt/codegod", "/workspace", "/env")


class IndexUnusable(ToolFault):
    """A configured index cannot be used from inside the sandbox."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"The package index {shown(where)!r}, which uv or pip is configured to use, cannot be used: {reason}. "
            "Tell the user: nothing in the project changes that."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Indexes:
    """What uv is told inside the sandbox: the indexes that the user's tools have."""

    default: str  # empty: none
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()  # the content of constraint files
    best_match: bool = (
        False  # pip takes the best version of all indexes, uv stops at the first index that has any
    )

    @property
    def urls(self) -> tuple[str, ...]:
        """The indexes themselves, without pages of links."""
        return tuple(url for url in (self.default, *self.extra) if url)

    def only_local(self) -> "Indexes":
        """What is left of them without a network."""
        return Indexes(
            default=self.default if local_folder(self.default) else "",
            extra=tuple(url for url in self.extra if local_folder(url)),
            find_links=tuple(url for url in self.find_links if local_folder(url)),
            constraints=self.constraints,
            best_match=self.best_match,
        )


async def read_indexes(uv: Path, python: Path, environment: Mapping[str, str]) -> Indexes:
    """Ask uv and pip. Where both name a default index, uv's counts; extra ones and links are added up."""
    own = await _uv_options(uv, environment)
    built_in = await _uv_options(uv, {}, "--no-config")
    pip = await _pip_settings(python, environment)
    default = "".join(own.get("--index-url", [])[:1])
    if own.get("--index-url") == built_in.get("--index-url"):
        default = "".join(pip.get("index-url", [default])[:1])
    if pip.get("no-index") in (["true"], ["1"], ["yes"]) or environment.get("UV_NO_INDEX"):
        default = ""
    return Indexes(
        default=default,
        extra=_once(own.get("--extra-index-url", []) + pip.get("extra-index-url", [])),
        find_links=_once(own.get("--find-links", []) + pip.get("find-links", [])),
        constraints=await anyio.to_thread.run_sync(_constraints, environment, pip),
        best_match=bool(pip.get("extra-index-url")) or "best" in environment.get("UV_INDEX_STRATEGY", ""),
    )


def local_folder(url: str) -> Path | None:
    """The folder behind a `file:` URL or a path; None for what needs a connection."""
    if url.startswith("file:"):
        return Path(unquote(urlsplit(url).path))
    return Path(url) if url and "://" not in url else None


def require_showable(folder: Path) -> Path:
    """A folder of packages that may be shown at its own path inside the sandbox."""
    system = any(folder.is_relative_to(place) for place in _SYSTEM_FOLDERS)
    if not folder.is_absolute() or len(folder.parts) < 3 or system:
        raise IndexUnusable(
            str(folder), "it is too close to the system's own folders to be shown inside the sandbox"
        )
    if not folder.exists():
        raise IndexUnusable(str(folder), "there is no such folder")
    return folder


def shown(url: str) -> str:
    """`url` without the user and the password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _uv_options(uv: Path, environment: Mapping[str, str], *options: str) -> dict[str, list[str]]:
    answer = await _ask([str(uv), *options, *_ASK_UV], environment)
    if answer.returncode != 0:
        said = answer.stderr.decode(errors="replace").strip()[-_SAID_CHARS:]
        raise IndexUnusable("uv", f"uv does not say which indexes it uses ({said})")
    found: dict[str, list[str]] = {}
    for line in answer.stdout.decode(errors="replace").splitlines():
        name, _, value = line.strip().partition(" ")
        if name.startswith("--"):
            found.setdefault(name, []).append(value)
    return found


async def _pip_settings(python: Path, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """pip's configuration, each name with its values; without a pip, what its variables say."""
    answer = await _ask([str(python), "-m", "pip", "config", "list"], environment)
    if answer.returncode == 0:
        return dict(_read_settings(answer.stdout.decode(errors="replace")))
    return {
        name.removeprefix(_PIP_VARIABLE).lower().replace("_", "-"): value.split()
        for name, value in environment.items()
        if name.startswith(_PIP_VARIABLE)
    }


def _read_settings(said: str) -> Iterator[tuple[str, list[str]]]:
    for section in _PIP_SECTIONS:
        for line in said.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(f"{section}."):
                yield name.removeprefix(f"{section}."), str(ast.literal_eval(value)).split()


async def _ask(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """What one of the user's own tools says. In `/`, where no project speaks for itself."""
    with anyio.fail_after(_TOOL_SECONDS):
        return await anyio.run_process(
            # Not `input=b""`: anyio would hand on our own standard input, and a terminal never ends.
            command,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, **environment},
        )


def _constraints(environment: Mapping[str, str], pip: Mapping[str, list[str]]) -> tuple[str, ...]:
    files = _once([*environment.get("UV_CONSTRAINT", "").split(), *pip.get("constraint", [])])
    return tuple(_constraint(file) for file in files)


def _constraint(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting("constraint (of pip or uv)", shown(file), "a file that can be read") from error


def _once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
