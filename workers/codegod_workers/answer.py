"""Reads a model's answer: fenced files, or one control line. It finds text, and never mends it.

The form asked for is a fence whose info string ends with the path. Small models deviate; what is unambiguous is
recognised (a path on the line before, a lone block when one file was wanted), everything else is refused with words
that the next try can act on. Files inside JSON are refused as well, unless the model was probed to lose nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from codegod_workers.fences import (
    PART,
    AnswerCut,
    AnswerFault,
    Block,
    fenced,
    path_of,
    read_blocks,
    shown_as,
    unwrapped,
)
from codegod_workers.written_calls import files_of, json_values

Control = Literal["BLOCKED", "TOO_BIG", "CONTRACT"]

_CONTROL = re.compile(r"^[*`\s>-]*(?P<word>BLOCKED|TOO_BIG|CONTRACT)[*`]*:[*`]*[ \t]*(?P<why>\S.*)$")
_NEED = re.compile(r"^(?:- )?(?:dependency|dependencies|package|requires?)[ \t]*:[ \t]*(?P<value>\S.*)$")
_WORDS: Mapping[str, Control] = {"BLOCKED": "BLOCKED", "TOO_BIG": "TOO_BIG", "CONTRACT": "CONTRACT"}
_WORD_KEYS = ("control", "status", "outcome", "answer")
_REASON_KEYS = ("reason", "why", "message", "symbol", "details", "explanation")
_LANGUAGES = {
    "py": frozenset({"python", "python3", "py"}),
    "js": frozenset({"javascript", "js"}),
    "mjs": frozenset({"javascript", "js", "mjs"}),
    "cjs": frozenset({"javascript", "js", "cjs"}),
    "jsx": frozenset({"javascript", "js", "jsx"}),
    "ts": frozenset({"typescript", "ts"}),
    "mts": frozenset({"typescript", "ts", "mts"}),
    "tsx": frozenset({"typescript", "ts", "tsx"}),
    "rs": frozenset({"rust", "rs"}),
    "java": frozenset({"java"}),
    "go": frozenset({"go", "golang"}),
    "md": frozenset({"markdown", "md"}),
    "sql": frozenset({"sql"}),
    "yaml": frozenset({"yaml", "yml"}),
    "toml": frozenset({"toml"}),
    "html": frozenset({"html"}),
    "css": frozenset({"css"}),
}


class NoFiles(AnswerFault):
    def __init__(self, wanted: Sequence[str]) -> None:
        first = wanted[0] if wanted else "path"
        super().__init__(
            f"The answer holds no file. Write each file whole, in a fenced block whose first line ends with its path, "
            f"for example ```{shown_as(first)} {first}"
        )


class FilesInJson(AnswerFault):
    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(
            f"The answer holds files as JSON ({', '.join(paths)}). Write no JSON and call no tool: write each file in a "
            f"fenced block whose first line ends with its path, for example ```{shown_as(paths[0])} {paths[0]}"
        )


class UnnamedFile(AnswerFault):
    def __init__(self, opening: str) -> None:
        super().__init__(
            f"The block that opens with {opening!r} names no file. End that line with the file's path."
        )


class EmptyFile(AnswerFault):
    def __init__(self, path: str) -> None:
        super().__init__(
            f"The block of {path!r} is empty, and other text follows it: a fence stands where none belongs. Open the "
            "block once, with the path, and close it once."
        )


class ForeignFile(AnswerFault):
    def __init__(self, path: str, wanted: Sequence[str]) -> None:
        super().__init__(f"{path!r} is not yours to write. Write only: {', '.join(wanted)}.")
        self.path = path


class TwoVersions(AnswerFault):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} is written twice, and the two differ. Write it once.")


class NotInParts(AnswerFault):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} is written in parts. It is short enough: write the file whole.")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a worker asks the accept lane to add, because it lies in files that are not its own."""

    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Files by path, definitions by path and name, or a control word with its reason; never files and control."""

    files: dict[str, str] = field(default_factory=dict)
    control: Control | None = None
    reason: str = ""
    needs: Needs = Needs()
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of long files: the definitions that replace those of the same name."""


def parse_answer(
    text: str, wanted: Sequence[str], *, long: Collection[str] = (), in_json: bool = False
) -> Answer:
    """The files among `wanted` that `text` holds, or its control line; raises `AnswerFault`.

    Of the files in `long` single definitions are taken too. With `in_json`, files inside tool calls or JSON count: only
    for a model that was seen to lose nothing there.
    """
    blocks, prose = read_blocks(text, wanted)
    needs = Needs()
    files: dict[str, str] = {}
    unnamed: list[Block] = []
    for block in blocks:
        if block.language == "needs":
            needs = _needs(block.lines)
        elif path := path_of(block, wanted):
            _add(files, path, unwrapped(path, block), wanted)
        else:
            unnamed.append(block)
    if not files and (control := _control(blocks, prose)):
        return control
    files = files or _lone_file(unnamed, wanted) or _files_in_json(blocks, prose, wanted, taken=in_json)
    if not files:
        raise UnnamedFile(f"```{unnamed[0].info}") if unnamed else NoFiles(wanted)
    stray = any(not block.info for block in unnamed)
    if stray and (empty := [path for path, content in files.items() if not content.strip()]):
        raise EmptyFile(empty[0])
    return _with_parts(files, needs, long)


def json_block(text: str) -> str:
    """The one JSON document of a control answer: a ```json fence, or the whole text when it is an object."""
    blocks, prose = read_blocks(text, ())
    found = [block.text for block in blocks if block.language in {"json", ""}]
    if len(found) == 1:
        return found[0]
    bare = "\n".join(prose).strip()
    if not found and bare.startswith("{") and bare.endswith("}"):
        return bare
    raise AnswerFault(f"The answer holds {len(found)} JSON blocks. Answer with exactly one ```json block.")


def _add(files: dict[str, str], path: str, text: str, wanted: Sequence[str]) -> None:
    if wanted and path.partition(PART)[0] not in wanted:
        raise ForeignFile(path, wanted)
    if files.get(path, text) != text:
        raise TwoVersions(path)
    files[path] = text


def _with_parts(files: Mapping[str, str], needs: Needs, long: Collection[str]) -> Answer:
    """The answer with whole files and parts kept apart; a file comes in one of the two ways."""
    whole = {path: text for path, text in files.items() if PART not in path}
    parts: dict[str, dict[str, str]] = {}
    for name, text in files.items():
        path, is_part, symbol = name.partition(PART)
        if not is_part:
            continue
        if path in whole:
            raise TwoVersions(path)
        if path not in long:
            raise NotInParts(path)
        parts.setdefault(path, {})[symbol.removesuffix("()")] = text
    return Answer(files=whole, needs=needs, parts=parts)


def _lone_file(unnamed: Sequence[Block], wanted: Sequence[str]) -> dict[str, str]:
    """The only block as the only wanted file, unless its language says that it is something else."""
    if len(unnamed) != 1 or len(wanted) != 1 or not unnamed[0].lines:
        return {}
    expected = _LANGUAGES.get(wanted[0].rpartition(".")[2], frozenset())
    if unnamed[0].info and unnamed[0].info.lower() not in expected:
        return {}
    if files_of_block(unnamed[0]):
        return {}
    return {wanted[0]: unwrapped(wanted[0], unnamed[0])}


def files_of_block(block: Block) -> dict[str, str]:
    """The files that an unnamed block holds as JSON: it is a tool call then, and no file."""
    try:
        return {path: text for value in json_values([block], ()) for path, text in files_of(value).items()}
    except AnswerCut:
        return {}


def _files_in_json(
    blocks: Sequence[Block], prose: Sequence[str], wanted: Sequence[str], *, taken: bool
) -> dict[str, str]:
    files: dict[str, str] = {}
    for value in json_values(blocks, prose):
        for path, text in files_of(value).items():
            _add(files, path.removeprefix("./"), text, wanted)
    if files and not taken:
        raise FilesInJson(list(files))
    return files


def _control(blocks: Sequence[Block], prose: Sequence[str]) -> Answer | None:
    found = [(match["word"], match["why"].strip()) for line in prose if (match := _CONTROL.match(line))]
    if not found:
        found = [pair for block in blocks for line in block.lines if (pair := _control_line(block, line))]
    if not found:
        try:
            found = [pair for value in json_values(blocks, prose) if (pair := _control_value(value))]
        except AnswerCut:
            return None
    if len(found) != 1:
        return None
    word, why = found[0]
    return Answer(control=_WORDS[word], reason=why.strip(" `*"))


def _control_line(block: Block, line: str) -> tuple[str, str] | None:
    """A control line in a block of its own, which some models put around everything."""
    match = _CONTROL.match(line)
    return (match["word"], match["why"]) if match and len(block.lines) == 1 else None


def _control_value(value: object) -> tuple[str, str] | None:
    """A control word that came as JSON, under keys of the model's choice."""
    if not isinstance(value, dict):
        return None
    for key, held in value.items():
        if key.upper() in _WORDS and isinstance(held, str) and len(value) == 1:
            return key.upper(), held
    words = [str(value[key]).upper() for key in _WORD_KEYS if key in value]
    reasons = [str(value[key]) for key in _REASON_KEYS if key in value]
    if len(words) == len(reasons) == 1 and words[0] in _WORDS:
        return words[0], reasons[0]
    return None


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


__all__ = [
    "Answer",
    "AnswerCut",
    "AnswerFault",
    "EmptyFile",
    "FilesInJson",
    "ForeignFile",
    "Needs",
    "NoFiles",
    "NotInParts",
    "TwoVersions",
    "UnnamedFile",
    "fenced",
    "json_block",
    "parse_answer",
]
