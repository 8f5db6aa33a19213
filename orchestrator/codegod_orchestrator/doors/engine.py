"""Everything a door opens to run builds: journal, models (or their simulator) and mesh, each closed again."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import anyio

from codegod_kit import Grant, GrantIssuer, Plan, TaskType
from codegod_mesh import Allocation, Config, Mesh, MeshSettings, ToolCall, find_config, load_config
from codegod_models import Desk, ModelInfo, ModelSettings, Provider, open_provider, parse_model
from codegod_orchestrator.build import Builder, Models, recover
from codegod_orchestrator.capability import Facts, facts_of
from codegod_orchestrator.doors.choice import SIMULATOR, Choice
from codegod_orchestrator.doors.identity import with_identity
from codegod_orchestrator.doors.settings import Refused, Settings
from codegod_orchestrator.doors.simulated import OPTIONS, STRONG, Simulated, simulator
from codegod_orchestrator.forecast import Forecast, foretell
from codegod_orchestrator.journal import Build, ClaimedBuild, Journal
from codegod_orchestrator.options import BuildOptions
from codegod_workers.capability import read_capability

FETCH_ALLOW = "CODEGOD_FETCH_ALLOW"
STATUS_SECONDS = 30.0
PROBE = "probe"  # stands where a grant wants a build, before there is one


@dataclass(frozen=True, slots=True)
class Opened:
    """The models of a build, checked: they exist, and these are their limits."""

    models: Models
    infos: tuple[ModelInfo, ...]
    simulated: Simulated | None


@asynccontextmanager
async def open_models(choice: Choice, settings: Settings, desk: Desk | None = None) -> AsyncIterator[Opened]:
    """Open and check every model of `choice`; raises `ModelFault` or `Refused` before any work has begun.

    Models that are a host ask at `desk`; without one they are refused, because nobody can be connected.
    """
    async with AsyncExitStack() as stack:
        played = None
        if choice.simulated:
            folders = {
                name.partition(":")[2] for name in (choice.master, *choice.ladder) if _is_simulated(name)
            }
            more = settings.environment.get(OPTIONS, "")
            played = await stack.enter_async_context(simulator(sorted(folders - {"", STRONG}), more))
        providers: list[Provider] = []
        for place, name in enumerate((choice.master, *choice.ladder)):
            part = "master" if place == 0 or name == f"{SIMULATOR}:{STRONG}" else "worker"
            provider = _open(name, part, settings, played, desk)
            stack.push_async_callback(provider.aclose)
            providers.append(provider)
        infos = tuple([await provider.check() for provider in providers])
        known = [info.context_tokens for info in infos[1:] if info.context_tokens]
        models = Models(
            providers[0],
            providers[1:],
            min(known, default=None),
            _answer_tokens(infos[0]),
            tuple(read_capability(settings.state, str(provider.model)) for provider in providers[1:]),
        )
        yield Opened(models, infos, played)


def _answer_tokens(info: ModelInfo) -> int | None:
    """The most that a model may be asked to answer with: its own limit, and half of its context at most."""
    half = info.context_tokens // 2 if info.context_tokens else None
    return min((limit for limit in (info.max_output_tokens, half) if limit), default=None)


def _is_simulated(name: str) -> bool:
    return name.split(":")[0] == SIMULATOR


def _open(name: str, part: str, settings: Settings, played: Simulated | None, desk: Desk | None) -> Provider:
    model_settings = ModelSettings.from_environment(settings.environment)
    if not _is_simulated(name) or played is None:
        return open_provider(parse_model(name), model_settings, desk=desk)
    spoken = f"anthropic:{played.master}" if part == "master" else f"ollama:{played.worker}"
    played_settings = replace(model_settings, base_url=played.url, simulated=True)
    return open_provider(parse_model(spoken), played_settings)


@dataclass(frozen=True, slots=True)
class Engine:
    """An open journal and mesh. One engine may run several builds at a time."""

    settings: Settings
    journal: Journal
    mesh: Mesh
    config: Config
    facts: Facts

    async def run(self, build: str, models: Models) -> Build:
        """Claim a build, take it up where the journal says, and drive it to its end."""
        async with self.journal.claim_build(build, owner=f"pid {os.getpid()}") as claimed:
            await recover(claimed, self.journal, self.mesh)
            return await self._builder(claimed, models).run()

    async def plan(self, prompt: str, options: BuildOptions, models: Models) -> Plan:
        """A plan alone. It is journalled as a build that is cancelled as soon as it is planned."""
        build = await self.journal.create_build(prompt, options=options.model_dump(mode="json"))
        async with self.journal.claim_build(build.id, owner=f"pid {os.getpid()}") as claimed:
            reason = "planned only"
            try:
                return await self._builder(claimed, models).plan(build, options)
            except Exception as error:
                reason = f"not planned: {error}"
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await claimed.advance("cancelled", reason=reason)

    async def foresee(self, plan: Plan, models: Models, parallel: int) -> Forecast:
        """What building `plan` with these models will take, by what was measured on this machine."""
        return await foretell(
            self.journal,
            plan,
            master=models.master.model,
            ladder=[provider.model for provider in models.rungs],
            parallel=parallel,
        )

    def _builder(self, claimed: ClaimedBuild, models: Models) -> Builder:
        extra = {kind: self.config.allocated(kind) for kind in get_args(TaskType)}
        return Builder(self.journal, claimed, self.mesh, models, self.facts, extra)


@asynccontextmanager
async def open_engine(
    settings: Settings, *, mcp_config: str = "", played: Simulated | None = None
) -> AsyncIterator[Engine]:
    """Open journal and mesh and ask the sandbox what it can do; raises `Refused` when nothing isolates here."""
    explicit = Path(mcp_config) if mcp_config else None
    config = load_config(find_config(explicit, Path.cwd(), settings.environment), settings.environment)
    async with Journal.open(settings.journal) as journal:
        mesh_settings = MeshSettings(
            root=settings.builds,
            state=settings.state,
            issuer=GrantIssuer.new(),
            environment=with_identity(_with_simulator(settings.environment, played)),
        )
        async with Mesh(
            config.endpoints, settings=mesh_settings, recorder=_Journalled(journal)
        ).open() as mesh:
            yield Engine(settings, journal, mesh, config, await sandbox_facts(mesh))


@dataclass(frozen=True, slots=True)
class _Journalled:
    """Records the calls of builds; what is measured before any build belongs to none."""

    journal: Journal

    async def tool_called(self, call: ToolCall) -> None:
        if call.build != PROBE:
            await self.journal.tool_called(call)


async def sandbox_facts(mesh: Mesh) -> Facts:
    """What the sandbox measured of this machine; raises `Refused` with its own words when nothing isolates."""
    grant = Grant(
        build=PROBE,
        task="",
        attempt="",
        tools=("sandbox.sandbox_status",),
        deadline=time.time() + STATUS_SECONDS,
    )
    view = await mesh.view(Allocation(allow=grant.tools, grant=grant))
    status = await view.call("sandbox.sandbox_status", {}, within=STATUS_SECONDS)
    if status.is_error or not status.data:
        raise Refused(f"The sandbox cannot be used: {status.text}")
    facts = facts_of(status.data)
    if facts.sandbox_level == "none":
        raise Refused(f"Nothing isolates model-written code here: {'; '.join(facts.problems)}")
    return facts


def _with_simulator(environment: Mapping[str, str], played: Simulated | None) -> dict[str, str]:
    """The simulator serves the specifications that its plans name: fetch may reach that one address."""
    if played is None:
        return dict(environment)
    allowed = [part for part in (environment.get(FETCH_ALLOW, ""), played.address) if part]
    return {**environment, FETCH_ALLOW: ",".join(allowed)}
