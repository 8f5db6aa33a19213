"""Runs programs that somebody else wrote. `Sandbox.run` is the only way this package starts one."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio

from codegod_kit.serving import ServerSettings
from codegod_sandbox.cgroups import Cgroup
from codegod_sandbox.descriptors import Descriptors
from codegod_sandbox.egress import EgressProxy
from codegod_sandbox.execution_faults import SandboxBroken, SandboxMissing, UnreachableFolder
from codegod_sandbox.ground import Ground, candidates, closed_to, explain, find_ground
from codegod_sandbox.jail import Jail, PreparedRun
from codegod_sandbox.places import Places
from codegod_sandbox.process import Ended, run_process
from codegod_sandbox.route import Route, open_route
from codegod_sandbox.run_folder import run_folder, sweep_runs
from codegod_sandbox.spec import (
    ENV,
    FILES,
    PYTHON,
    TOOLS,
    WORKSPACE,
    Level,
    Limits,
    RunResult,
    RunSpec,
    RunStatus,
    mounted,
)
from codegod_sandbox.status import SandboxStatus, describe
from codegod_sandbox.tree import Usage, give, usage
from codegod_sandbox.watchdog import Watchdog

__all__ = [
    "ENV",
    "FILES",
    "PYTHON",
    "TOOLS",
    "WORKSPACE",
    "Level",
    "Limits",
    "RunResult",
    "RunSpec",
    "RunStatus",
    "Sandbox",
    "mounted",
]

_RUNS_AT_ONCE = 16  # each may take a gigabyte; who waits longer than its deadline is told so by the kit
_PROBE_SECONDS = 20
_SIGNALS = 64


class Sandbox:
    """Runs programs under the strongest isolation this machine offers."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._ground: Ground | None = None
        self._looking = anyio.Lock()
        self._limiter = anyio.CapacityLimiter(_RUNS_AT_ONCE)

    async def run(self, spec: RunSpec) -> RunResult:
        """Run `spec` to its end. Raises `SandboxMissing` (a fault that names the fix) when nothing isolates."""
        ground = await self.ground()
        if ground.jail is None:
            raise SandboxMissing(ground.problems)
        async with self._limiter:
            return await self._run(spec, ground, ground.jail)

    async def ground(self) -> Ground:
        """What isolates here; looked for again as long as nothing does, since somebody may be mending it."""
        async with self._looking:
            if self._ground is None or self._ground.jail is None:
                self._ground = await self._look()
            return self._ground

    async def status(self) -> SandboxStatus:
        """What isolates here, how well, and what is wrong with it."""
        return describe(await self.ground())

    async def _look(self) -> Ground:
        await anyio.to_thread.run_sync(sweep_runs, self._settings.state)
        ground = await find_ground(self._settings)
        problems = list(ground.problems)
        for candidate in await candidates(self._settings, ground):
            problem = candidate.problem
            if candidate.jail is not None:
                problem = await self._try(ground, candidate.jail)
                if not problem:
                    return replace(ground, jail=candidate.jail, problems=tuple(problems))
            problems.append(problem)
        return replace(ground, problems=tuple(problems))

    async def _try(self, ground: Ground, jail: Jail) -> str:
        """Run `true`; what went wrong, or nothing."""
        spec = RunSpec(
            ("/bin/true",),
            self._settings.state / "tools",
            workspace_writable=False,
            limits=Limits(wall_seconds=_PROBE_SECONDS),
        )
        try:
            result = await self._run(spec, ground, jail)
        except SandboxBroken as error:
            return explain(jail.level, error.said)
        if (result.status, result.exit_code) != ("exit", 0):
            return explain(
                jail.level, f"{result.status} {result.exit_code} {result.stderr.decode(errors='replace')}"
            )
        return ""

    async def _run(self, spec: RunSpec, ground: Ground, jail: Jail) -> RunResult:
        _require_reach(spec, ground.uid)
        before = await anyio.to_thread.run_sync(_take_stock, spec, ground.uid)
        async with AsyncExitStack() as stack:
            folder = await stack.enter_async_context(run_folder(self._settings.state, ground.uid))
            route = await stack.enter_async_context(open_route(spec.egress, jail, folder))
            group = ground.cgroups.make(spec.limits) if ground.cgroups else None
            if group is not None:
                stack.push_async_callback(group.close)
            places = jail.places(spec, folder)
            run = _prepare(spec, places, route, folder)
            watchdog = Watchdog(_writable(spec), before, spec.limits, watch_memory=group is None)
            ended = await _execute(run, jail, watchdog, group)
            memory = group is not None and group.ran_out_of_memory()
        return _result(ended, jail.level, places, route.proxy, memory=memory)


async def _execute(run: PreparedRun, jail: Jail, watchdog: Watchdog, group: Cgroup | None) -> Ended:
    def confine(process: int) -> None:
        if group is not None:
            group.add(process)

    with Descriptors() as given:
        return await run_process(
            jail.launch(run, given),
            stdin=run.spec.stdin,
            wall_seconds=run.spec.limits.wall_seconds,
            output_bytes=run.spec.limits.output_bytes,
            confine=confine,
            breach=watchdog.breach,
        )


def _prepare(spec: RunSpec, places: Places, route: Route, folder: Path) -> PreparedRun:
    path = [f"{places.env}/bin"] if spec.env else []
    modules = f"{places.env}/{spec.node_modules.name}" if spec.node_modules else ""
    if modules:
        path.append(f"{modules}/.bin")
    variables = {
        "PATH": ":".join([*path, places.tools, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": places.home,
        "TMPDIR": places.temporary,
        "LANG": "C.UTF-8",
        "USER": "agent",
        "LOGNAME": "agent",
        "OPENSSL_CONF": "/dev/null",  # Node.js does not start where it may not read the machine's own
        "PYTHONDONTWRITEBYTECODE": "1",  # a run leaves in the tree what it was asked to write
        **({"VIRTUAL_ENV": places.env} if spec.env else {}),
        # For `require` alone; `import` finds them where bubblewrap mounts them.
        **({"NODE_PATH": modules} if modules else {}),
        **route.variables,
        **{name: places.fill(value) for name, value in spec.variables.items()},
    }
    argv = tuple(places.fill(part) for part in (*route.before, *spec.argv))
    return PreparedRun(
        replace(spec, files={**spec.files, **route.files}), argv, variables, folder, route.proxy
    )


def _result(
    ended: Ended, level: Level, places: Places, proxy: EgressProxy | None, *, memory: bool
) -> RunResult:
    status: RunStatus = ended.reason or ("signal" if 128 < ended.exit_code <= 128 + _SIGNALS else "exit")
    if memory and ended.exit_code != 0:  # even a timeout: what was left may have waited for the killed one
        status = "memory_limit"
    return RunResult(
        status=status,
        exit_code=ended.exit_code,
        stdout=ended.stdout.content(),
        stderr=ended.stderr.content(),
        truncated=bool(ended.stdout.left_out or ended.stderr.left_out),
        seconds=round(ended.seconds, 3),
        level=level,
        workspace=places.workspace,
        refused_hosts=tuple(f"{target}: {why}" for target, why in proxy.refused.items()) if proxy else (),
    )


def _writable(spec: RunSpec) -> tuple[Path, ...]:
    workspace = (spec.workspace,) if spec.workspace_writable else ()
    env = (spec.env,) if spec.env and spec.env_writable else ()
    return (*workspace, *env, *spec.writable.values())


def _visible(spec: RunSpec) -> Iterator[Path]:
    yield from (spec.workspace, *spec.read_only.values(), *spec.writable.values(), *spec.in_place)
    if spec.env:
        yield spec.env


def _require_reach(spec: RunSpec, uid: int | None) -> None:
    if uid is None:
        return
    for path in _visible(spec):
        closed = closed_to(path if path.is_dir() else path.parent, uid)
        if closed is not None and closed not in _writable(spec):  # those are given to that user
            raise UnreachableFolder(str(path), str(closed), uid)


def _take_stock(spec: RunSpec, uid: int | None) -> Usage:
    """What lies in the folders that the program may change; they are its user's from now on."""
    return sum((usage(folder) if uid is None else give(folder, uid) for folder in _writable(spec)), Usage())
