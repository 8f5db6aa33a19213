"""What of a file is kept because something that is kept names it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence


def reached(
    roots: Iterable[int], answers_to: Sequence[Collection[str]], uses: Callable[[int], Iterable[str]]
) -> set[int]:
    """The parts that can be reached from `roots`: each part uses names, and answers to names.

    Every part is looked at once: a file that was made to be slow is not.
    """
    by_name: dict[str, list[int]] = {}
    for part, names in enumerate(answers_to):
        for name in names:
            by_name.setdefault(name, []).append(part)
    kept = set(roots)
    waiting = list(kept)
    while waiting:
        for name in uses(waiting.pop()):
            found = [part for part in by_name.pop(name, ()) if part not in kept]
            kept.update(found)
            waiting += found
    return kept
