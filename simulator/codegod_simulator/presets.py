"""How often a played worker is right, and what it does when it is not.

Rates of `7b` and `3b`: Aider-AI/aider, edit_leaderboard.yml at 0483bfc, 133 exercises, whole files: Qwen2.5-Coder-7B
51.9 % right at once and 57.9 % after one look at the findings (12 % of its failures mended), 3B 33.8 % and 39.1 % (8 %);
contexts exhausted 1.5 % and 3.0 %, tests that never ended 3.8 % and 4.5 %. Not published, and so assumptions: a fresh
answer to a task that went wrong is right as often as the first one but for a seventh (tasks that are hard stay hard);
the shares of the other slips; the strong model (85 % at once, half of its failures mended).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from codegod_simulator import worker_faults
from codegod_simulator.answer import fenced
from codegod_simulator.question import Role, shown_files
from codegod_simulator.scene import Scene


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances of a right answer: to a new task, to findings about the last answer, to a task that went wrong before."""

    first: float
    repaired: float
    fresh: float
    slips: Mapping[str, float] = field(default_factory=dict)
    """Weights of the kinds of wrong answers; what does not fit a task gives way to the next best."""


_SLIPS_7B = {
    "wrong_logic": 34.0,
    "endless_loop": 3.8,
    "hallucinated_import": 3.0,
    "truncation": 1.5,
    "syntax_error": 1.5,
    "stub_body": 1.5,
    "signature_drift": 1.5,
    "foreign_file": 0.7,
    "no_fence": 0.6,
}
_SLIPS_3B = {
    **_SLIPS_7B,
    "wrong_logic": 44.0,
    "endless_loop": 4.5,
    "truncation": 3.0,
    "hallucinated_import": 5.0,
}
_STRONG = Rates(0.85, 0.5, 0.85, {"wrong_logic": 1.0})
_ALWAYS = Rates(1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of worker, and the strong model beside it."""

    worker: Rates
    master: Rates = _ALWAYS


PRESETS: Mapping[str, Preset] = {
    "oracle": Preset(_ALWAYS),
    "7b": Preset(Rates(0.519, 0.12, 0.45, _SLIPS_7B), _STRONG),
    "3b": Preset(Rates(0.338, 0.08, 0.29, _SLIPS_3B), _STRONG),
    "stubs": Preset(Rates(0.0, 0.0, 0.0, {"stub_body": 1.0}), Rates(0.0, 0.0, 0.0, {"stub_body": 1.0})),
    "empty": Preset(Rates(0.0, 0.0, 0.0, {"empty_values": 1.0}), Rates(0.0, 0.0, 0.0, {"empty_values": 1.0})),
}


def played(scene: Scene, preset: Preset, role: Role) -> str:
    """The answer to a task as a model of that preset gives it: right or wrong by `scene.chance`."""
    rates = preset.worker if role == "worker" else preset.master
    right = fenced({path: scene.reference.files[path] for path in scene.question.files})
    if scene.chance.random() < _rate(scene, rates) or not rates.slips:
        return right
    return _wrong(replace(scene, text=right), rates)


def _rate(scene: Scene, rates: Rates) -> float:
    if scene.question.attempt == 1:
        return rates.first
    return rates.repaired if _is_repair(scene) else rates.fresh


def _is_repair(scene: Scene) -> bool:
    """Whether the prompt shows an answer that was sent back: its files are not those of the contract."""
    shown = shown_files(scene.question.text)
    return any(
        path in shown and shown[path].strip() != _contracted(scene, path).strip()
        for path in scene.question.files
    )


def _contracted(scene: Scene, path: str) -> str:
    return scene.reference.contract_file(path) if path.endswith(".py") else ""


def _wrong(scene: Scene, rates: Rates) -> str:
    kinds = list(rates.slips)
    drawn = sorted(kinds, key=lambda kind: scene.chance.random() ** (1 / rates.slips[kind]), reverse=True)
    for kind in drawn:
        text = _cut(scene.text) if kind == "truncation" else worker_faults.SPOILERS[kind](scene)
        if text is not None:
            return text
    return _cut(scene.text)  # no Python in it: what is left is to stop too early


def _cut(text: str) -> str:
    return text[: len(text) * 6 // 10]
