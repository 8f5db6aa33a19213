"""Crates that a Rust project needs, downloaded once from the registry that cargo itself is set up to use."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from codegod_kit.beneath import Beneath
from codegod_kit.faults import ToolFault
from codegod_sandbox.egress import EgressPolicy, Network, SystemNetwork
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.files.listing import FILLED_FOLDERS
from codegod_sandbox.languages.kits import Kits
from codegod_sandbox.languages.rust import Rust
from codegod_sandbox.manifest import RequirementRefused
from codegod_sandbox.output import printable, shorten
from codegod_sandbox.reach import trusted_certificates
from codegod_sandbox.spec import ENV, FILES, Limits, RunSpec, mounted
from codegod_sandbox.upstream import Upstream

HOME: Final = "cargo"
"""The folder of an environment that holds them."""
_MANIFEST, _LOCK = "Cargo.toml", "Cargo.lock"
_MANIFEST_BYTES: Final = 256 << 10
_LOCK_BYTES: Final = 2 << 20
_GROUPS: Final = ("dependencies", "dev-dependencies", "build-dependencies")
_KEPT_KEYS: Final = ("version", "features", "default-features", "package")
_ELSEWHERE: Final = ("git", "registry", "registry-index")
_SPARSE: Final = "sparse+https://"
_SAID_CHARS: Final = 1500
# The index, the place that it says its files lie in, and one place that this leads to.
_ROUNDS: Final = 4
_LIMITS: Final = Limits(wall_seconds=600, memory_bytes=4 << 30, processes=512, disk_bytes=4 << 30)
_Table = Mapping[str, Any]


class CratesFailed(ToolFault):
    """The crates could not be downloaded."""

    def __init__(self, names: tuple[str, ...], said: str) -> None:
        listed = ", ".join(names[:10])
        super().__init__(
            f"These crates could not be downloaded: {listed}. cargo says: {said} "
            "Correct the requirement in Cargo.toml, or do without it, then call `env_prepare` again."
        )
        self.names = names


@dataclass(frozen=True, slots=True)
class CrateNeeds:
    """Manifests that ask for the same crates as the project's, and hold nothing else; and its lock."""

    manifests: tuple[str, ...]
    names: tuple[str, ...]
    lock: str


def crate_needs(tree: Path) -> CrateNeeds | None:
    """What the project in `tree` asks a registry for; None when that is nothing."""
    manifests: list[str] = []
    names: set[str] = set()
    with Beneath(tree) as files:
        for path, kind in files.walk(skip=FILLED_FOLDERS):
            if kind != "file" or path.rpartition("/")[2] != _MANIFEST:
                continue
            try:
                document = tomllib.loads(files.read(path, limit=_MANIFEST_BYTES).decode("utf-8", "replace"))
            except (tomllib.TOMLDecodeError, RecursionError):
                continue  # cargo itself says better what is wrong with it
            tables = {group: dict(_wanted(document, group)) for group in _GROUPS}
            names |= {name for table in tables.values() for name in table}
            if any(tables.values()):
                manifests.append(_manifest(len(manifests), tables))
        lock = files.read(_LOCK, limit=_LOCK_BYTES).decode("utf-8", "replace") if files.exists(_LOCK) else ""
    return CrateNeeds(tuple(manifests), tuple(sorted(names)), lock) if manifests else None


async def download_crates(
    sandbox: Sandbox,
    kits: Kits,
    needs: CrateNeeds,
    partial: Path,
    environment: Mapping[str, str],
    proxy_network: Network | None,
    *,
    network: bool,
) -> tuple[str, ...]:
    """Download into the environment that is being made; the connections that were refused."""
    kit, toolchain = kits.find("rust"), kits.rust
    if kit is None or not isinstance(toolchain, Rust):
        raise CratesFailed(needs.names, kits.why_not("rust"))
    if not network:
        raise CratesFailed(needs.names, "this task may not use the network.")
    folder = await anyio.to_thread.run_sync(_project, partial, needs, _sources(environment, needs.names))
    root = str(toolchain.root) if toolchain.is_shown else f"{mounted('kit')}/rust"
    certificates = await anyio.to_thread.run_sync(trusted_certificates, environment)
    hosts: frozenset[str] = frozenset()
    for _ in range(_ROUNDS):
        upstream = Upstream.from_environment(environment)
        result = await sandbox.run(
            RunSpec(
                (f"{root}/bin/cargo", "fetch"),
                folder,
                read_only={"kit": kit},
                env=partial / "venv",
                env_writable=True,
                egress=EgressPolicy(hosts, upstream, proxy_network or SystemNetwork()),
                files={"ca.pem": certificates},
                variables=_variables(root),
                limits=_LIMITS,
            )
        )
        if (result.status, result.exit_code) == ("exit", 0):
            return ()
        # Our manifests name crates alone: whom cargo asks for them is its own settings' and its registry's choice.
        asked = frozenset(refused.partition(":")[0] for refused in result.refused_hosts)
        if not asked - hosts:
            break
        hosts |= asked
    said = shorten(printable(result.stderr or result.stdout).strip(), _SAID_CHARS)
    raise CratesFailed(needs.names, f"{said}.")


def _variables(root: str) -> dict[str, str]:
    return {
        "PATH": f"{root}/bin:/usr/bin:/bin",
        "CARGO_HOME": f"{ENV}/{HOME}",
        "CARGO_HTTP_CAINFO": f"{FILES}/ca.pem",
        "CARGO_NET_RETRY": "1",
        "CARGO_HTTP_MULTIPLEXING": "false",  # the proxy carries single connections
        "CARGO_TERM_COLOR": "never",
        "CARGO_TERM_PROGRESS_WHEN": "never",
    }


def _project(partial: Path, needs: CrateNeeds, sources: str) -> Path:
    """A workspace with the manifests alone: nothing of the project's own code is there while there is a network."""
    folder = partial / "crates"
    members = [f"p{number}" for number in range(len(needs.manifests))]
    for member, manifest in zip(members, needs.manifests, strict=True):
        (folder / member / "src").mkdir(parents=True)
        (folder / member / "src" / "lib.rs").write_text("", "utf-8")
        (folder / member / _MANIFEST).write_text(manifest, "utf-8")
    (folder / _MANIFEST).write_text(
        f'[workspace]\nresolver = "2"\nmembers = {json.dumps(members)}\n', "utf-8"
    )
    if needs.lock:
        (folder / _LOCK).write_text(needs.lock, "utf-8")
    (partial / "venv" / HOME).mkdir()
    (partial / "venv" / HOME / "config.toml").write_text(sources, "utf-8")
    return folder


def _wanted(document: _Table, group: str) -> Iterator[tuple[str, dict[str, Any]]]:
    targets = document.get("target")
    workspace = document.get("workspace")
    places = [document, *(targets.values() if isinstance(targets, dict) else ()), workspace]
    for place in places:
        table = place.get(group) if isinstance(place, dict) else None
        for name, how in table.items() if isinstance(table, dict) else ():
            asked = {"version": how} if isinstance(how, str) else how if isinstance(how, dict) else {}
            if any(key in asked for key in _ELSEWHERE):
                raise RequirementRefused(str(name), "only crates of the configured registry are installed")
            if "path" not in asked and asked.get("workspace") is not True:
                yield str(name), {key: asked[key] for key in _KEPT_KEYS if key in asked}


def _manifest(number: int, tables: Mapping[str, Mapping[str, _Table]]) -> str:
    lines = ["[package]", f'name = "env{number}"', 'version = "0.0.0"', 'edition = "2021"']
    for group, table in tables.items():
        lines.append(f"[{group}]")
        for name, asked in sorted(table.items()):
            values = ", ".join(f"{key} = {_value(name, value)}" for key, value in asked.items())
            lines.append(f"{json.dumps(name)} = {{ {values} }}")
    return "\n".join(lines) + "\n"


def _value(name: str, value: Any) -> str:
    """A string, a boolean or a list of strings is written in TOML as in JSON."""
    plain = isinstance(value, str | bool) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )
    if not plain:
        raise RequirementRefused(name, f"{value!r} is no version, feature or name")
    return json.dumps(value)


def _sources(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    """What cargo's own configuration says about where crates come from, as a configuration."""
    home = environment.get("CARGO_HOME") or os.path.join(environment.get("HOME", "/nonexistent"), ".cargo")
    document: dict[str, Any] = {}
    for name in ("config.toml", "config"):
        try:
            document = tomllib.loads(Path(home, name).read_text("utf-8"))
            break
        except (OSError, UnicodeDecodeError):
            continue
        except tomllib.TOMLDecodeError as error:
            raise CratesFailed(names, f"its configuration {name!r} is no TOML ({error}).") from error
    lines = []
    sources = document.get("source")
    for source, how in sources.items() if isinstance(sources, dict) else ():
        kept = {key: str(how[key]) for key in ("replace-with", "registry") if key in how}
        if not kept.get("registry", _SPARSE).startswith(_SPARSE) or len(kept) != len(how):
            raise CratesFailed(
                names, f"the source {source!r} of its configuration is no registry over https."
            )
        lines += [
            f"[source.{json.dumps(source)}]",
            *(f"{key} = {json.dumps(value)}" for key, value in kept.items()),
        ]
    return "\n".join(lines) + "\n"
