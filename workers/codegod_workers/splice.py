"""Puts single definitions into a long file: what a small model would lose or shorten when it wrote the file whole.

A part replaces one definition that is there already and nothing else. Its text is placed, never mended: a part that does
not parse, that holds anything but its one definition, or after which the file would not parse, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from codegod_workers.fences import AnswerFault
from codegod_workers.syntax import Symbol, is_spoken, strings, symbols

LONG_LINES = (
    200  # what a 7B model writes whole without leaving something out; plans ask for files of this length
)
NAMES_SHOWN = 40  # of a refusal: a model chooses from a list, and a longer one hides the name

_SCRIPTS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".tsx"})
_HOLDER = "class Holder {\n"


class SpliceFault(AnswerFault):
    """A part cannot be put into its file; the text says what the next answer has to do differently."""


class NoSuchSymbol(SpliceFault):
    def __init__(self, path: str, name: str, names: Sequence[str]) -> None:
        some = ", ".join(names[:NAMES_SHOWN])
        super().__init__(
            f"{path!r} has no definition {name!r}. It has: {some}. To add a new one, write the file whole."
        )


class SeveralSymbols(SpliceFault):
    def __init__(self, path: str, name: str) -> None:
        super().__init__(f"{path!r} defines {name!r} more than once. Write the file whole.")


class NotThatSymbol(SpliceFault):
    def __init__(self, path: str, name: str, found: Sequence[str]) -> None:
        what = f"defines {', '.join(found)}" if found else "defines nothing that parses"
        super().__init__(
            f"The block of `{path}::{name}` {what}. Write exactly the one definition {name.rpartition('.')[2]!r}, complete, "
            "without its class, imports or anything else."
        )


class BrokenFile(SpliceFault):
    def __init__(self, path: str) -> None:
        super().__init__(f"With these parts {path!r} no longer parses. Check brackets and indentation.")


def long_files(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Those files whose definitions may be written one by one: long, in a language we read, and without errors."""
    return tuple(
        path
        for path, text in texts.items()
        if is_spoken(path) and text.count("\n") > LONG_LINES and "\r" not in text and symbols(path, text)
    )


def splice(path: str, text: str, parts: Mapping[str, str]) -> str:
    """`text` with each of `parts`, by the definition's dotted name, in place of its definition; or `SpliceFault`."""
    places = {name: _place(path, text, name) for name in parts}
    source = text.encode()
    for name, place in sorted(places.items(), key=lambda item: -item[1].start):
        start, column = _line_start(source, place.start)
        new = _placed(path, name, parts[name], column)
        source = source[:start] + new.encode() + source[place.end :]
    spliced = source.decode()
    after = symbols(path, spliced)
    if after is None:
        raise BrokenFile(path)
    return spliced


def _place(path: str, text: str, name: str) -> Symbol:
    known = symbols(path, text) or ()
    found = [symbol for symbol in known if symbol.name == name]
    if not found:
        raise NoSuchSymbol(path, name, [symbol.name for symbol in known])
    if len(found) > 1:
        raise SeveralSymbols(path, name)
    return found[0]


def _line_start(source: bytes, at: int) -> tuple[int, str]:
    """Where the line of a definition begins, and its indentation; a definition in mid-line begins where it does."""
    start = source.rfind(b"\n", 0, at) + 1
    before = source[start:at].decode()
    return (start, before) if not before.strip() else (at, "")


def _placed(path: str, name: str, part: str, column: str) -> str:
    """The part at the indentation of what it replaces, after a look at what it defines."""
    flush = _indented(path, name, part.strip("\n"), "")
    defined = _defined(path, name, flush)
    if defined != [name.rpartition(".")[2]]:
        raise NotThatSymbol(path, name, defined)
    return _indented(path, name, flush, column)


def _defined(path: str, name: str, part: str) -> list[str]:
    """The names that a part defines at its own level; a part with statements of another kind defines nothing."""
    held = _holds_methods(path, name)
    text = f"{_HOLDER}{part}\n}}\n" if held else f"{part}\n"
    found = symbols(path, text, alone=not held)
    if found is None:
        return []
    depth = 1 if held else 0
    names = [symbol.name for symbol in found if symbol.name.count(".") == depth or _is_go(path)]
    return [symbol.rpartition(".")[2] for symbol in names]


def _holds_methods(path: str, name: str) -> bool:
    """Whether the part is a method of JavaScript or TypeScript, which is no statement by itself."""
    return PurePosixPath(path).suffix in _SCRIPTS and "." in name


def _is_go(path: str) -> bool:
    return path.endswith(".go")


def _indented(path: str, name: str, part: str, column: str) -> str:
    """`part` moved as a whole so that its first line begins at `column`; the lines of a string stay as they are."""
    lines = part.split("\n")
    old = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if old == column:
        return part
    held = _holds_methods(path, name)
    shift = _HOLDER.count("\n") if held else 0
    still = {line - shift for line in strings(path, f"{_HOLDER}{part}\n}}\n" if held else part)}
    moved = []
    for number, line in enumerate(lines):
        if number in still or not line.strip():
            moved.append(line)
        elif line.startswith(old):
            moved.append(column + line[len(old) :])
        else:  # to the left of its own first line: not one block
            return part
    return "\n".join(moved)
