"""Installs packages into an environment, inside the sandbox.

Nothing that a package brings is run while there is a network: only wheels are taken, and compiling them to bytecode
is a second run without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codegod_kit.faults import ToolFault
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.indexes import Indexes
from codegod_sandbox.output import printable, shorten
from codegod_sandbox.reach import Reach
from codegod_sandbox.spec import ENV, FILES, TOOLS, Limits, RunResult, RunSpec, mounted
from codegod_sandbox.toolchain import Toolchain

# uv alone takes a few hundred megabytes; what is installed may be large.
_LIMITS: Final = Limits(wall_seconds=600, memory_bytes=4 << 30, processes=512, disk_bytes=8 << 30)
_SAID_CHARS = 3000
_UV: Final = f"{TOOLS}/uv"
_QUIETLY: Final = ("--no-config", "--no-progress", "--color", "never")


class EnvFailed(ToolFault):
    """The packages could not be installed."""

    def __init__(self, said: str, refused: Sequence[str], *, network: bool) -> None:
        words = [f"The environment could not be made. uv says: {said}"]
        if "building from source is disabled" in said or "no usable wheels" in said:
            words.append("Only wheels are installed here: choose a version or another package that has one.")
        if refused:
            words.append(f"Connections that were refused: {'; '.join(refused)}.")
        if not network:
            words.append("This task may not use the network, so only packages on this machine can be had.")
        words.append("Correct the requirement with `project_add_dependency`, then call `env_prepare` again.")
        super().__init__(" ".join(words))
        self.said = said
        self.refused = tuple(refused)


@dataclass(frozen=True, slots=True)
class Installation:
    """What to install, from where, and into which folders."""

    requirements: Sequence[str]
    indexes: Indexes
    reach: Reach
    env: Path
    cache: Path
    scratch: Path  # an empty working directory: no project's configuration counts


async def install(sandbox: Sandbox, toolchain: Toolchain, what: Installation) -> tuple[str, ...]:
    """Make the environment in `what.env`; the connections that were refused on the way."""
    await _must(sandbox, _venv(toolchain, what), what)
    installed = await _must(sandbox, _packages(what), what)
    await _must(sandbox, _bytecode(what), what, any_exit=True)  # a package may ship files of another Python
    return installed.refused_hosts


async def _must(sandbox: Sandbox, spec: RunSpec, what: Installation, *, any_exit: bool = False) -> RunResult:
    result = await sandbox.run(spec)
    if result.status != "exit" or (result.exit_code != 0 and not any_exit):
        said = shorten(printable(result.stderr or result.stdout).strip(), _SAID_CHARS)
        reason = said if result.status == "exit" else f"{result.status} after {result.seconds} s. {said}"
        raise EnvFailed(reason, result.refused_hosts, network=what.reach.policy is not None)
    return result


def _venv(toolchain: Toolchain, what: Installation) -> RunSpec:
    # Relocatable: it is seen at /env, or at its real place at the level "landlock".
    options = (
        "--allow-existing",
        "--relocatable",
        "--no-project",
        "--offline",
        "--python",
        str(toolchain.python),
    )
    return _spec(what, (_UV, "venv", *_QUIETLY, *options, ENV))


def _packages(what: Installation) -> RunSpec:
    options = ["--python", f"{ENV}/bin/python", "--only-binary", ":all:", "--link-mode", "copy"]
    options += ["-r", f"{FILES}/requirements.txt"]
    for number in range(len(what.indexes.constraints)):
        options += ["-c", f"{FILES}/constraints-{number}.txt"]
    if what.reach.policy is None:
        options.append("--offline")
    if not what.indexes.urls:
        options.append("--no-index")
    return _spec(what, (_UV, "pip", "install", *_QUIETLY, *options), online=True)


def _bytecode(what: Installation) -> RunSpec:
    # One process: at the level "landlock" there are no semaphores for several.
    compiler = (f"{TOOLS}/python", "-I", "-S", "-m", "compileall", "-q")
    return _spec(what, (*compiler, f"{ENV}/lib"))


def _spec(what: Installation, argv: tuple[str, ...], *, online: bool = False) -> RunSpec:
    return RunSpec(
        argv,
        what.scratch,
        env=what.env,
        env_writable=True,
        writable={"uv-cache": what.cache} if online else {},
        in_place=what.reach.folders if online else (),
        egress=what.reach.policy if online else None,
        files=_files(what) if online else {},
        variables={**_variables(what.indexes), "UV_CACHE_DIR": mounted("uv-cache")}
        if online
        else {"UV_NO_CACHE": "1"},
        limits=_LIMITS,
    )


def _files(what: Installation) -> Mapping[str, bytes]:
    constraints = {
        f"constraints-{number}.txt": text.encode() for number, text in enumerate(what.indexes.constraints)
    }
    requirements = "".join(f"{line}\n" for line in what.requirements).encode()
    return {"requirements.txt": requirements, "ca.pem": what.reach.certificates, **constraints}


def _variables(indexes: Indexes) -> Mapping[str, str]:
    """In variables and not in options: an index's URL may hold a password."""
    # Without a default index uv would take its own; the first extra one is as good a default as any.
    default, *extra = indexes.urls or ("",)
    settings = {
        "UV_DEFAULT_INDEX": default,
        "UV_INDEX": " ".join(extra),
        "UV_FIND_LINKS": ",".join(indexes.find_links),
        "UV_INDEX_STRATEGY": "unsafe-best-match" if indexes.best_match else "first-index",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_HTTP_RETRIES": "1",  # a refused host is asked again as well, and each time takes longer
        "SSL_CERT_FILE": f"{FILES}/ca.pem",
    }
    return {name: value for name, value in settings.items() if value}
