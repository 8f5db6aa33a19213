"""The null bodies of a contract's stubs, whatever language each is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codegod_orchestrator.hollow import null_bodies, null_go, null_scripts
from codegod_orchestrator.hollow.null_bodies import NULL_KINDS, NullKind
from codegod_orchestrator.surfaces.source_tree import SCRIPTS, language_of, suffix_of


@dataclass(frozen=True, slots=True)
class NullStubs:
    """What became of stubs that do nothing now."""

    bodies: Mapping[NullKind, Mapping[str, str]] = field(default_factory=dict)
    """The stubs that changed, for each kind that is another than those before it."""
    languages: tuple[str, ...] = ()
    """The languages of the stubs that changed."""
    untried: tuple[str, ...] = ()
    """The stubs that stay as they are because nobody could empty them, each with the reason."""


def null_stubs(stubs: Mapping[str, str]) -> NullStubs:
    """All kinds of null bodies of `stubs`, texts by path."""
    found: dict[NullKind, dict[str, str]] = {}
    untried: dict[str, str] = {}
    for kind in NULL_KINDS:
        bodies: dict[str, str] = {}
        for path, text in stubs.items():
            try:
                bodies[path] = nulled(path, text, kind)
            except (SyntaxError, UnknownLanguage) as fault:
                untried[path] = f"{path}: {fault}"
        changed = {path: text for path, text in bodies.items() if text != stubs[path]}
        # Nothing to empty, or no declared type has an empty value: the same bodies, the same run.
        if changed and changed not in found.values():
            found[kind] = changed
    languages = sorted({language_of(path) for bodies in found.values() for path in bodies})
    return NullStubs(found, tuple(languages), tuple(untried.values()))


def nulled(path: str, text: str, kind: NullKind) -> str:
    """The stub `text` with null bodies; raises `SyntaxError` or `UnknownLanguage` for one that cannot have them."""
    suffix = suffix_of(path)
    if suffix == ".py":
        return null_bodies.nulled(text, kind)
    if suffix in SCRIPTS:
        return null_scripts.nulled(path, text, kind)
    if suffix == ".go":
        return null_go.nulled(path, text)
    raise UnknownLanguage(suffix)


class UnknownLanguage(Exception):
    """Null bodies of this language are not made."""

    def __init__(self, suffix: str) -> None:
        super().__init__(f"null bodies are not made for {suffix!r} files")
        self.suffix = suffix
