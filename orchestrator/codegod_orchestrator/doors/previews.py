"""Plans without builds. A plan may take a master minutes: it is made in the background and fetched when it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from codegod_kit import Plan, ToolFault
from codegod_orchestrator.doors.choice import Choice
from codegod_orchestrator.doors.engine import open_engine, open_models
from codegod_orchestrator.doors.questions import Questions
from codegod_orchestrator.doors.settings import Settings
from codegod_orchestrator.forecast import Forecast
from codegod_orchestrator.options import BuildOptions

PREVIEW = "preview"  # stands for the build of a question, where there is none
PREVIEWS_KEPT = 4  # plans that are being made, or that nobody has fetched yet
TOLD_SECONDS = 5.0  # how often a waiting host hears that planning goes on


class TooManyPreviews(ToolFault):
    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} plans are being made here. Call plan_preview again with one of their prompts to fetch its plan."
        )
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Previewed:
    """A plan, and what building it will take."""

    plan: Plan
    forecast: Forecast


@dataclass(slots=True)
class _Preview:
    over: anyio.Event = field(default_factory=anyio.Event)
    outcome: Previewed | Exception | None = None


class Previews:
    """Makes plans in `group`, one for each prompt with its wishes; whoever asks again gets the same one."""

    def __init__(self, settings: Settings, group: TaskGroup, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._group = group
        self._previews: dict[tuple[str, str], _Preview] = {}

    async def plan(
        self,
        prompt: str,
        options: BuildOptions,
        within: float,
        told: Callable[[float], Awaitable[None]],
    ) -> Previewed | None:
        """The plan with its forecast, or None when it takes longer than `within` seconds: ask again. `told` hears of seconds waited.

        None, too, as soon as the master is the host itself and a question waits for it. Raises what went wrong with
        it; asking once more then makes a new one.
        """
        key = (prompt, options.model_dump_json())
        preview = self._previews.get(key) or self._begin(key, options)
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_asked, group.cancel_scope)
            await _waited(preview.over, within, told)
            group.cancel_scope.cancel()
        if preview.outcome is None:
            return None
        self._previews.pop(key, None)
        if isinstance(preview.outcome, Exception):
            raise preview.outcome
        return preview.outcome

    def _begin(self, key: tuple[str, str], options: BuildOptions) -> _Preview:
        if len(self._previews) >= PREVIEWS_KEPT:
            self._forget_one()
        preview = self._previews[key] = _Preview()
        self._group.start_soon(self._make, preview, key[0], options)
        return preview

    async def _until_asked(self, scope: anyio.CancelScope) -> None:
        await self._questions.arrival(PREVIEW)
        scope.cancel()

    def _forget_one(self) -> None:
        """Let the oldest finished plan go; raises `TooManyPreviews` when all are still being made."""
        finished = [key for key, preview in self._previews.items() if preview.over.is_set()]
        if not finished:
            raise TooManyPreviews(PREVIEWS_KEPT)
        del self._previews[finished[0]]

    async def _make(self, preview: _Preview, prompt: str, options: BuildOptions) -> None:
        try:
            async with (
                open_models(
                    Choice(options.master, options.ladder), self._settings, self._questions.of(PREVIEW)
                ) as opened,
                open_engine(self._settings, played=opened.simulated) as engine,
            ):
                plan = await engine.plan(prompt, options, opened.models)
                forecast = await engine.foresee(plan, opened.models, options.max_parallel)
                preview.outcome = Previewed(plan, forecast)
        except Exception as error:  # noqa: BLE001 - raised where the plan is fetched
            preview.outcome = error
        finally:
            preview.over.set()


async def _waited(event: anyio.Event, within: float, told: Callable[[float], Awaitable[None]]) -> None:
    begun = anyio.current_time()
    with anyio.move_on_after(within):
        while not event.is_set():
            with anyio.move_on_after(TOLD_SECONDS):
                await event.wait()
                return
            await told(anyio.current_time() - begun)
