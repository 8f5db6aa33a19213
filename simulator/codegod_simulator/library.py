"""The reference projects that one simulator can play: those it was given, then the bundled ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from codegod_simulator.reference import Reference, ReferenceFault, load_reference


class UnknownPrompt(Exception):
    """Nobody plays that request. The message is all that a user of a simulated build gets to see."""

    def __init__(self, asked: str, known: Sequence[str]) -> None:
        listed = "".join(f"\n- {prompt}" for prompt in known)
        super().__init__(
            f"This is a simulator, not a language model: it can only play what it was given, and {asked} is not "
            f"part of that. It plays these requests:{listed}\n"
            "To build anything else, use real models: set ANTHROPIC_API_KEY and pass --master claude-sonnet-5-5, set "
            "OLLAMA_HOST (or start Ollama here) and pass --worker qwen2.5-coder:7b. Or give a reference project of "
            "your own: --master simulator:DIR --worker simulator:DIR."
        )


class Library:
    """References by project name and by prompt; of two for the same, the first one counts."""

    def __init__(self, references: Sequence[Reference], changes: Sequence[Reference] = ()) -> None:
        """`changes` are played to who changes a finished project, and to nobody else."""
        self._references = tuple(references)
        self._changes = tuple(changes)
        self._by_name: dict[str, Reference] = {}
        self._by_prompt: dict[str, Reference] = {}
        self._changes_by_prompt: dict[str, Reference] = {}
        self.prompts: list[str] = []
        for reference in references:
            if reference.plan.name not in self._by_name:
                self._by_name[reference.plan.name] = reference
                self.prompts += _learned(reference, self._by_prompt)
        self._prompts_of_changes = [
            prompt for change in changes for prompt in _learned(change, self._changes_by_prompt)
        ]
        for change in changes:
            self._by_name.setdefault(change.plan.name, change)

    def changed(self, change: Callable[[Reference], Reference]) -> Library:
        """The same library with every project changed."""
        return Library(*(list(map(change, part)) for part in (self._references, self._changes)))

    @property
    def names(self) -> list[str]:
        return list(self._by_name)

    def for_prompt(self, words: str, *, change: bool = False) -> Reference:
        """The project that answers `words`, whatever their case, spacing and closing mark; raises `UnknownPrompt`.

        Of a `change` of a finished project, those that belong to one count too.
        """
        found = self._by_prompt.get(_plain(words))
        if found is None and change:
            found = self._changes_by_prompt.get(_plain(words))
        if found is None:
            known = [*self.prompts, *(self._prompts_of_changes if change else ())]
            raise UnknownPrompt(f"{_shortened(words)!r}", known)
        return found

    def named(self, name: str) -> Reference:
        """The project called `name`; raises `UnknownPrompt`."""
        found = self._by_name.get(name)
        if found is None:
            raise UnknownPrompt(f"the project {_shortened(name)!r}", self.prompts)
        return found


def open_library(folders: Sequence[Path]) -> Library:
    """The library of `folders` and the bundled projects; raises `ReferenceFault`."""
    given = [load_reference(folder) for folder in folders]
    for index, reference in enumerate(given):
        _refuse_twins(folders[index], reference, given[:index])
    projects = map(load_reference, bundled_folders())
    return Library([*given, *projects], list(map(load_reference, bundled_changes())))


def bundled_folders() -> list[Path]:
    """The folders of the projects that come with the simulator."""
    return _references_in("projects")


def bundled_changes() -> list[Path]:
    """The folders of changes: each belongs to one of the projects, once that is finished."""
    return _references_in("changes")


def _references_in(name: str) -> list[Path]:
    root = resources.files("codegod_simulator") / name
    return sorted(Path(str(folder)) for folder in root.iterdir() if (folder / "plan.yaml").is_file())


def _refuse_twins(folder: Path, reference: Reference, earlier: Sequence[Reference]) -> None:
    """Of two given projects with one name or one prompt, one could never be played."""
    for other in earlier:
        if other.plan.name == reference.plan.name:
            where = f"{folder / 'plan.yaml'}:1: name"
            raise ReferenceFault(
                folder, (f"{where}: another given project is called {reference.plan.name!r}",)
            )
        shared = {_plain(p) for p in other.plan.prompts} & {_plain(p) for p in reference.plan.prompts}
        if shared:
            where = f"{folder / 'plan.yaml'}:1: prompts"
            raise ReferenceFault(folder, (f"{where}: {other.plan.name!r} answers {min(shared)!r} too",))


def _learned(reference: Reference, by_prompt: dict[str, Reference]) -> list[str]:
    """The prompts of `reference` that nobody answered before; they are in `by_prompt` then."""
    learned = []
    for prompt in reference.plan.prompts:
        key = _plain(prompt)
        if key and key not in by_prompt:
            by_prompt[key] = reference
            learned.append(prompt)
    return learned


def _plain(words: str) -> str:
    return " ".join(words.casefold().split()).strip("\"'").rstrip(" .!?")


def _shortened(words: str) -> str:
    limit = 200  # a whole page of somebody's prompt in an error message helps nobody
    return words if len(words) <= limit else f"{words[:limit]}…"
