"""Go modules of other people that a project needs, downloaded once through the proxy that Go itself is set up to use."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from codegod_kit.beneath import Beneath
from codegod_kit.faults import ToolFault
from codegod_sandbox.egress import EgressPolicy, Network, SystemNetwork
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.index_page import https_host
from codegod_sandbox.languages.kits import GO_VARIABLES, Kits, own_go
from codegod_sandbox.output import printable, shorten
from codegod_sandbox.reach import trusted_certificates
from codegod_sandbox.spec import ENV, FILES, Limits, RunSpec, mounted
from codegod_sandbox.upstream import Upstream

_MANIFEST_BYTES: Final = 256 << 10
_SUMS_BYTES: Final = 2 << 20
_REQUIRE = re.compile(r"^\s*require\b|^\s+[\w.-]+\.[\w.-]+/\S+ v", re.MULTILINE)
_ASK_SECONDS: Final = 30
_ASKED: Final = ("GOPROXY", "GOSUMDB")
_SAID_CHARS: Final = 2000
_LIMITS: Final = Limits(wall_seconds=600, memory_bytes=4 << 30, processes=512, disk_bytes=4 << 30)
MODULES: Final = "gomod"
"""The folder of an environment that holds them."""


class GoFailed(ToolFault):
    """The modules could not be downloaded."""

    def __init__(self, said: str, refused: tuple[str, ...]) -> None:
        told = f" Connections that were refused: {'; '.join(refused)}." if refused else ""
        super().__init__(
            f"The Go modules could not be downloaded. go says: {said}{told} "
            "Correct the requirement in go.mod, then call `env_prepare` again."
        )


@dataclass(frozen=True, slots=True)
class GoNeeds:
    """What `go.mod` and `go.sum` say."""

    manifest: str
    sums: str


def go_needs(tree: Path) -> GoNeeds | None:
    """The manifest of a project that requires modules of others; None for any other."""
    with Beneath(tree) as files:
        if not files.exists("go.mod"):
            return None
        manifest = files.read("go.mod", limit=_MANIFEST_BYTES).decode("utf-8", "replace")
        sums = (
            files.read("go.sum", limit=_SUMS_BYTES).decode("utf-8", "replace")
            if files.exists("go.sum")
            else ""
        )
    return GoNeeds(manifest, sums) if _REQUIRE.search(manifest) else None


async def download_modules(
    sandbox: Sandbox,
    kits: Kits,
    needs: GoNeeds,
    partial: Path,
    environment: Mapping[str, str],
    proxy_network: Network | None,
    *,
    network: bool,
) -> tuple[str, ...]:
    """Download into the environment that is being made; the connections that were refused."""
    kit = kits.find("go")
    if kit is None:
        raise GoFailed(kits.why_not("go"), ())
    own = own_go(environment)
    go = str(own) if own is not None else f"{mounted('kit')}/go"
    settings = await _settings(sandbox, kit, go, environment)
    hosts = _hosts(settings)
    policy = EgressPolicy(hosts, Upstream.from_environment(environment), proxy_network or SystemNetwork())
    folder = _project(partial, needs)
    certificates = await anyio.to_thread.run_sync(trusted_certificates, environment)
    result = await sandbox.run(
        RunSpec(
            (f"{go}/bin/go", "mod", "download"),
            folder,
            read_only={"kit": kit},
            env=partial / "venv",
            env_writable=True,
            egress=policy if network and hosts else None,
            files={"ca.pem": certificates},
            variables={
                **GO_VARIABLES,
                "GOROOT": go,
                "GOPROXY": settings["GOPROXY"] if network else "off",
                "GOSUMDB": settings["GOSUMDB"],
                "GOMODCACHE": f"{ENV}/{MODULES}",
                "SSL_CERT_FILE": f"{FILES}/ca.pem",
            },
            limits=_LIMITS,
        )
    )
    if (result.status, result.exit_code) != ("exit", 0):
        raise GoFailed(
            shorten(printable(result.stderr or result.stdout).strip(), _SAID_CHARS), result.refused_hosts
        )
    return result.refused_hosts


def _hosts(settings: Mapping[str, str]) -> frozenset[str]:
    """The hosts that Go asks: its proxies, and the database of checksums unless that is off."""
    proxies = re.split(r"[,|]", settings["GOPROXY"])
    hosts = frozenset(host for url in proxies if (host := https_host(url)))
    sums = settings["GOSUMDB"].split(" ")[0].split("+")[0]
    return hosts | {sums} if sums and sums != "off" else hosts


def _project(partial: Path, needs: GoNeeds) -> Path:
    """A folder with the manifest alone: nothing of the project's own code is there while there is a network."""
    folder = partial / "go"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "go.mod").write_text(needs.manifest, "utf-8")
    (folder / "go.sum").write_text(needs.sums, "utf-8")
    return folder


async def _settings(sandbox: Sandbox, kit: Path, go: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Where Go takes modules from here, in its own words. A wheel may have brought it, so it is asked inside."""
    chosen = await anyio.to_thread.run_sync(_chosen, environment)
    result = await sandbox.run(
        RunSpec(
            (f"{go}/bin/go", "env", *_ASKED),
            kit,
            workspace_writable=False,
            read_only={"kit": kit},
            variables={"GOROOT": go, "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", **chosen},
            limits=Limits(wall_seconds=_ASK_SECONDS),
        )
    )
    lines = result.stdout.decode(errors="replace").splitlines()
    if (result.status, result.exit_code) != ("exit", 0) or len(lines) != len(_ASKED):
        said = shorten(printable(result.stderr).strip(), _SAID_CHARS)
        raise GoFailed(f"it does not say which proxy it uses ({said})", ())
    return dict(zip(_ASKED, lines, strict=True))


def _chosen(environment: Mapping[str, str]) -> dict[str, str]:
    """What the user chose: variables, and what `go env -w` has written down."""
    home = environment.get("XDG_CONFIG_HOME") or os.path.join(
        environment.get("HOME", "/nonexistent"), ".config"
    )
    try:
        with Path(environment.get("GOENV") or os.path.join(home, "go", "env")).open("rb") as file:
            text = file.read(_MANIFEST_BYTES).decode("utf-8", "replace")
    except OSError:  # nothing was written down
        text = ""
    written = dict(
        line.split("=", 1) for line in text.splitlines() if line.partition("=")[0] in _ASKED and "=" in line
    )
    return written | {name: environment[name] for name in _ASKED if environment.get(name)}
