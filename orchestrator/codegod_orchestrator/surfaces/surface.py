"""The public names of a file, as far as others use them, and what may not change of them. For every language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

IMPORTED: Final = "imported name"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a caller passes."""

    name: str
    passed: str  # "positional", "any", "*", "keyword", "**"
    annotation: str
    optional: bool
    inferred: str = ""  # the type that everybody reads from a default, where none is written


@dataclass(frozen=True, slots=True)
class Name:
    """One public name: how it is declared, in words that can be compared and shown."""

    kind: str
    shown: str  # the declaration as its author wrote it
    line: int
    parts: Mapping[str, str] = field(default_factory=dict)  # what may not change, by its name in a message
    free: Mapping[str, str] = field(default_factory=dict)  # what may change, and may not be come to
    parameters: tuple[Parameter, ...] = ()
    by_place: bool = False  # a caller never says the name of a parameter
    demanded: bool = False  # whoever makes a value of its owner has to give it


def changes(promised: Mapping[str, Name], kept: Mapping[str, Name]) -> Iterator[tuple[str, int, str]]:
    """What `kept` has lost or changed of the names `promised`, each with its name, its line and a sentence."""
    for name, stub in promised.items():
        owner = name.rpartition(".")[0]
        now = kept.get(name)
        if stub.kind == IMPORTED or (now and now.kind == IMPORTED):
            continue  # what comes from elsewhere is looked at there
        if now is None:
            # Of a lost class, its members need no line of their own.
            if owner not in promised or owner in kept:
                yield name, 0, f"`{name}` is gone: others use it. Declare it as in the stub: `{stub.shown}`"
        elif now.kind != stub.kind:
            yield (
                name,
                now.line,
                f"`{name}` was a {stub.kind} and is a {now.kind} now: keep it as in the stub: `{stub.shown}`",
            )
        elif reason := _difference(stub, now):
            yield name, now.line, f"`{name}`: {reason}. Keep the stub's declaration: `{stub.shown}`"
    yield from _demands(promised, kept)


def _demands(promised: Mapping[str, Name], kept: Mapping[str, Name]) -> Iterator[tuple[str, int, str]]:
    """What others would have to give from now on, and know nothing of."""
    for name, now in kept.items():
        owner = name.rpartition(".")[0]
        if now.demanded and name not in promised and owner in promised:
            yield (
                owner,
                now.line,
                f"`{name}` is new, and whoever makes a value of this type has to give it: others know the stub's "
                "declaration only. Make it optional, or leave it out",
            )


def _difference(stub: Name, now: Name) -> str:
    """The first thing in which a declaration differs from the stub's."""
    for what, value in stub.parts.items():
        seen = now.parts.get(what, now.free.get(what, ""))
        if seen != value:
            return f"its {what} was `{value or 'none'}` and is `{seen or 'none'}`"
    if stub.by_place:
        return _placed_difference(stub.parameters, now.parameters)
    return _named_difference(stub.parameters, now.parameters)


def _placed_difference(stub: Sequence[Parameter], now: Sequence[Parameter]) -> str:
    """Where parameters are passed by their place alone, their names are the author's own affair."""
    for place, parameter in enumerate(stub):
        if place >= len(now):
            return f"its parameter `{parameter.name}` is gone"
        if reason := _change(parameter, now[place]):
            return reason
    return next((_unexpected(each) for each in now[len(stub) :] if _is_needed(each)), "")


def _named_difference(stub: Sequence[Parameter], now: Sequence[Parameter]) -> str:
    by_name = {each.name: each for each in now}
    for parameter in stub:
        found = by_name.get(parameter.name)
        if found is None:
            return f"its parameter `{parameter.name}` is gone"
        if reason := _change(parameter, found):
            return reason
    return _order_difference(stub, now)


def _change(parameter: Parameter, now: Parameter) -> str:
    """What a caller of `parameter` would notice."""
    if now.passed != parameter.passed:
        return f"its parameter `{parameter.name}` can no longer be passed as before"
    seen = now.annotation or now.inferred
    if parameter.annotation and seen != parameter.annotation:
        return f"its parameter `{parameter.name}` was `{parameter.annotation}` and is `{seen or 'without a type'}`"
    if parameter.optional and not now.optional:
        return f"its parameter `{parameter.name}` has lost its default"
    return ""


def _order_difference(stub: Sequence[Parameter], now: Sequence[Parameter]) -> str:
    """Callers pass the stub's parameters by place, and know of no others."""
    wanted = [each.name for each in stub if each.passed in {"positional", "any"}]
    placed = [each.name for each in now if each.passed in {"positional", "any"}]
    if placed[: len(wanted)] != wanted:
        return "its parameters stand in another order"
    names = {each.name for each in stub}
    return next((_unexpected(each) for each in now if each.name not in names and _is_needed(each)), "")


def _is_needed(parameter: Parameter) -> bool:
    return not parameter.optional and parameter.passed not in {"*", "**"}


def _unexpected(parameter: Parameter) -> str:
    return f"its new parameter `{parameter.name}` has no default"
