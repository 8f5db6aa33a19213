"""Which models a build uses: what the user named, else what the environment offers, else the simulator, openly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegod_orchestrator.doors.settings import Refused

DEFAULT_MASTER = "anthropic:claude-sonnet-5-5"
DEFAULT_WORKER = "ollama:qwen2.5-coder:7b"
SIMULATOR = "simulator"
HOST = "host"
REAL_MODELS = (
    "For real models set ANTHROPIC_API_KEY and OLLAMA_HOST, or pass --master and --worker (anthropic:MODEL, "
    "ollama:MODEL, openai:MODEL)."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A master and the rungs of the ladder, weakest first, as `provider:model`."""

    master: str
    ladder: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        return any(_is(SIMULATOR, name) for name in (self.master, *self.ladder))

    @property
    def asks_host(self) -> bool:
        """Whether some of the questions go to whoever is connected."""
        return any(_is(HOST, name) for name in (self.master, *self.ladder))


def choose_models(
    environment: Mapping[str, str], *, master: str = "", worker: str = "", ladder: str = ""
) -> Choice:
    """The choice; raises `Refused` when only one half of it can be made.

    A real master and a simulated worker are never mixed unless both were named. A host that is named for one part
    plays the other one too where nobody else is there for it.
    """
    key = bool(environment.get("ANTHROPIC_API_KEY", "").strip())
    host = bool(environment.get("OLLAMA_HOST", "").strip())
    chosen_master = master or environment.get("MASTER_MODEL", "").strip() or (DEFAULT_MASTER if key else "")
    named = worker or environment.get("WORKER_MODEL", "").strip()
    rungs = choose_rungs(ladder) or ((named,) if named else ())
    if not chosen_master and not rungs and not host:
        return Choice(SIMULATOR, (SIMULATOR,))
    if not chosen_master and rungs and (_is(SIMULATOR, rungs[0]) or _is(HOST, rungs[0])):
        return Choice(rungs[0], rungs)
    if not chosen_master:
        raise Refused(
            f"There are workers ({rungs[0] if rungs else DEFAULT_WORKER}) but no master to plan for them. Set "
            "ANTHROPIC_API_KEY, or name a master with --master (e.g. --master ollama:qwen2.5-coder:32b)."
        )
    if not rungs and (_is(SIMULATOR, chosen_master) or (_is(HOST, chosen_master) and not host)):
        return Choice(chosen_master, (chosen_master,))
    if ladder:
        return Choice(chosen_master, rungs)
    first = rungs[0] if rungs else DEFAULT_WORKER
    return Choice(chosen_master, _with_master(first, chosen_master))


def _with_master(worker: str, master: str) -> tuple[str, ...]:
    """A small worker, then the master for what is too hard for it; a simulated or equal master adds nothing."""
    if worker.rstrip(":") == master.rstrip(":") or _is(SIMULATOR, worker) or _is(SIMULATOR, master):
        return (worker,)
    return (worker, master)


def _is(provider: str, name: str) -> bool:
    return name.partition(":")[0].lower() == provider


def choose_rungs(ladder: str) -> tuple[str, ...]:
    """The models of `--ladder a,b,c`, weakest first; none when it is empty. Raises `Refused`."""
    if not ladder:
        return ()
    from codegod_orchestrator.ladder import LadderFault, parse_ladder

    try:
        return tuple(rung.model for rung in parse_ladder(ladder).rungs)
    except LadderFault as fault:
        raise Refused(str(fault)) from fault
