"""Reads a model's answer: fenced files, or one control line. It finds text, and never mends it.

The form asked for is a fence whose info string ends with the path. Small models deviate; what is unambiguous is
recognised (a path on the line before, a lone block when one file was wanted), everything else is refused with words
that the next try can act on. An open fence is a cut answer, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Control = Literal["BLOCKED", "TOO_BIG", "CONTRACT"]

_FENCE = re.compile(r"^ {0,3}(?P<ticks>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*?)[ \t]*$")
_CONTROL = re.compile(r"^\**(?P<word>BLOCKED|TOO_BIG|CONTRACT)\**:\**[ \t]*(?P<why>\S.*)$")
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_PATH = re.compile(r"^[A-Za-z0-9_.@-][A-Za-z0-9_.@+/-]*$")
_NEED = re.compile(r"^(?:- )?dependency[ \t]*:[ \t]*(?P<value>\S.*)$")
_SHOWN_AS = {
    "py": "python",
    "js": "javascript",
    "ts": "typescript",
    "md": "markdown",
    "sql": "sql",
    "toml": "toml",
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
    "html": "html",
    "css": "css",
}
_LANGUAGES = {
    "py": frozenset({"python", "python3", "py"}),
    "js": frozenset({"javascript", "js"}),
    "ts": frozenset({"typescript", "ts"}),
    "md": frozenset({"markdown", "md"}),
    "sql": frozenset({"sql"}),
    "yaml": frozenset({"yaml", "yml"}),
    "toml": frozenset({"toml"}),
    "html": frozenset({"html"}),
    "css": frozenset({"css"}),
}


def fenced(path: str, text: str) -> str:
    """A file in the form that answers have: what a prompt shows is what a model copies."""
    ticks = "````" if "```" in text else "```"
    language = _SHOWN_AS.get(path.rpartition(".")[2], "text")
    return f"{ticks}{language} {path}\n{text.rstrip()}\n{ticks}"


class AnswerFault(Exception):
    """The answer cannot be used; the text says what the next answer has to do differently."""


class AnswerCut(AnswerFault):
    def __init__(self, path: str) -> None:
        what = f"The block of {path!r}" if path else "A block"
        super().__init__(
            f"{what} was never closed: the answer was cut off, or a fence stands inside it. Write the files again, "
            "shorter, and open and close a file that contains fences with four backticks."
        )
        self.path = path


class NoFiles(AnswerFault):
    def __init__(self, wanted: Sequence[str]) -> None:
        first = wanted[0] if wanted else "path"
        super().__init__(
            f"The answer holds no file. Write each file whole, in a fenced block whose first line ends with its path, "
            f"for example ```python {first}"
        )


class UnnamedFile(AnswerFault):
    def __init__(self, opening: str) -> None:
        super().__init__(
            f"The block that opens with {opening!r} names no file. End that line with the file's path."
        )


class ForeignFile(AnswerFault):
    def __init__(self, path: str, wanted: Sequence[str]) -> None:
        super().__init__(f"{path!r} is not yours to write. Write only: {', '.join(wanted)}.")
        self.path = path


class TwoVersions(AnswerFault):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} is written twice, and the two differ. Write it once.")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a worker asks the accept lane to add, because it lies in files that are not its own."""

    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Files by path, or a control word with its reason; never both."""

    files: dict[str, str] = field(default_factory=dict)
    control: Control | None = None
    reason: str = ""
    needs: Needs = Needs()


@dataclass(slots=True)
class _Block:
    info: str
    before: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def parse_answer(text: str, wanted: Sequence[str]) -> Answer:
    """The files among `wanted` that `text` holds, or its control line; raises `AnswerFault`."""
    text = _without_thinking(text.replace("\r\n", "\n"))
    blocks, prose = _blocks(text.split("\n"), wanted)
    needs = Needs()
    files: dict[str, str] = {}
    unnamed: list[_Block] = []
    for block in blocks:
        if block.info.split(" ")[0].lower() == "needs":
            needs = _needs(block.lines)
        elif path := _path_of(block, wanted):
            _add(files, path, block.text, wanted)
        else:
            unnamed.append(block)
    if not files:
        if control := _control(prose):
            return control
        files = _lone_file(unnamed, wanted)
    if not files:
        raise UnnamedFile(f"```{unnamed[0].info}") if unnamed else NoFiles(wanted)
    return Answer(files=files, needs=needs)


def json_block(text: str) -> str:
    """The one JSON document of a control answer: a ```json fence, or the whole text when it is an object."""
    text = _without_thinking(text.replace("\r\n", "\n"))
    blocks, prose = _blocks(text.split("\n"), ())
    fenced = [block.text for block in blocks if block.info.split(" ")[0].lower() in {"json", ""}]
    if len(fenced) == 1:
        return fenced[0]
    bare = "\n".join(prose).strip()
    if not fenced and bare.startswith("{") and bare.endswith("}"):
        return bare
    raise AnswerFault(f"The answer holds {len(fenced)} JSON blocks. Answer with exactly one ```json block.")


def _without_thinking(text: str) -> str:
    text = _THINKING.sub("", text)
    if "<think" in text.split("```", 1)[0]:
        raise AnswerCut("")
    return text


def _blocks(lines: Sequence[str], wanted: Sequence[str]) -> tuple[list[_Block], list[str]]:
    """The fenced blocks in order, and the lines outside them."""
    blocks: list[_Block] = []
    prose: list[str] = []
    index = 0
    while index < len(lines):
        opening = _FENCE.match(lines[index])
        if opening is None:
            prose.append(lines[index])
            index += 1
            continue
        before = next((line for line in reversed(prose) if line.strip()), "")
        block = _Block(opening["info"], before, [])
        index = _read_block(lines, index + 1, opening["ticks"], block, wanted)
        prose.append("")  # what stands before this block names no later one
        blocks.append(block)
    return blocks, prose


def _read_block(lines: Sequence[str], index: int, ticks: str, block: _Block, wanted: Sequence[str]) -> int:
    """Fill `block` up to its closing fence and return the index after it.

    A fence with an info string inside is content that has a closing fence of its own, unless it names a wanted file:
    then the block around it was never closed.
    """
    inner = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        fence = _FENCE.match(line)
        if fence is None or fence["ticks"][0] != ticks[0] or len(fence["ticks"]) < len(ticks):
            block.lines.append(line)
            continue
        if not fence["info"]:
            if inner == 0:
                return index
            inner -= 1
        elif _named_in(fence["info"], wanted):
            break
        else:
            inner += 1
        block.lines.append(line)
    raise AnswerCut(_named_in(block.info, wanted) or "")


def _path_of(block: _Block, wanted: Sequence[str]) -> str:
    """The path a block is for: from its info string, the line before it, or its first line."""
    if path := _named_in(block.info, wanted):
        return path
    last = _bare(block.info.split(" ")[-1].split("=")[-1].split(":")[-1]) if block.info else ""
    if "/" in last or ("." in last and _PATH.match(last)):
        return last
    first = block.lines[0].strip().lstrip("#/<!-* ").rstrip("->* ") if block.lines else ""
    for candidate in (_bare(block.before), _bare(first)):
        if candidate in wanted:
            return candidate
    return ""


def _named_in(info: str, wanted: Iterable[str]) -> str:
    words = {
        _bare(word) for part in info.split() for word in (part, *part.split("="), part.split(":", 1)[-1])
    }
    return next((path for path in wanted if path in words), "")


def _bare(word: str) -> str:
    """`word` without the decoration that models put around a path: `**src/a.py**:`."""
    word = word.strip().lstrip("#*`\"'( ").rstrip("*`\"'): ")
    word = re.sub(r"^(?:file(?:name)?|path)[:= ]+", "", word, flags=re.IGNORECASE).strip("`*\"' ")
    return word.removeprefix("./").removeprefix("/workspace/")


def _add(files: dict[str, str], path: str, text: str, wanted: Sequence[str]) -> None:
    if wanted and path not in wanted:
        raise ForeignFile(path, wanted)
    if files.get(path, text) != text:
        raise TwoVersions(path)
    files[path] = text


def _lone_file(unnamed: Sequence[_Block], wanted: Sequence[str]) -> dict[str, str]:
    """The only block as the only wanted file, unless its language says that it is something else."""
    if len(unnamed) != 1 or len(wanted) != 1 or not unnamed[0].lines:
        return {}
    expected = _LANGUAGES.get(wanted[0].rpartition(".")[2], frozenset())
    if unnamed[0].info and unnamed[0].info.lower() not in expected:
        return {}
    return {wanted[0]: unnamed[0].text}


def _control(prose: Sequence[str]) -> Answer | None:
    found = [match for line in prose if (match := _CONTROL.match(line.strip()))]
    if len(found) != 1:
        return None
    word: Control = found[0]["word"]  # type: ignore[assignment]  # the expression admits these three alone
    return Answer(control=word, reason=found[0]["why"].strip())


def _needs(lines: Sequence[str]) -> Needs:
    dependencies: list[str] = []
    for line in filter(None, (line.strip() for line in lines)):
        need = _NEED.match(line)
        if need is None:
            raise AnswerFault(
                f"{line!r} is no need. Write `dependency: NAME`, for example `dependency: httpx>=0.28`."
            )
        dependencies.append(need["value"].strip())
    return Needs(tuple(dependencies))
