"""Finds the fenced blocks of an answer, and what stands outside them. An open fence is a cut answer, whatever is in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^ {0,3}(?P<ticks>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*?)[ \t]*$")
_PATH = re.compile(r"^[A-Za-z0-9_.@-][A-Za-z0-9_.@+/-]*$")
_ATTRIBUTE = re.compile(
    r"""\b(?:file_?(?:name|path)?|path|name|title)\s*=\s*["']([^"']+)["']""", re.IGNORECASE
)
_THOUGHT = re.compile(r"^<(?P<tag>think(?:ing)?|thought|reasoning|scratchpad)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"^</(?:think(?:ing)?|thought|reasoning|scratchpad)>", re.IGNORECASE)
# In these the text of a file may well begin with its own name or hold nothing but a fenced block.
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc")
PART = "::"
_SHOWN_AS = {
    "py": "python",
    "js": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
    "jsx": "jsx",
    "ts": "typescript",
    "mts": "typescript",
    "cts": "typescript",
    "tsx": "tsx",
    "rs": "rust",
    "java": "java",
    "md": "markdown",
    "sql": "sql",
    "toml": "toml",
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
    "html": "html",
    "css": "css",
    "go": "go",
}


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


class ThoughtCut(AnswerCut):
    def __init__(self) -> None:
        AnswerFault.__init__(
            self,
            "The answer ended before the thinking did. Think briefly, then write the files in fenced blocks.",
        )
        self.path = ""


@dataclass(slots=True)
class Block:
    """One fenced block: its info string, the last line of text before it, and what it holds."""

    info: str
    before: str
    lines: list[str]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def language(self) -> str:
        return self.info.split(" ")[0].lower()


def fenced(path: str, text: str) -> str:
    """A file in the form that answers have: what a prompt shows is what a model copies."""
    ticks = "````" if "```" in text else "```"
    return f"{ticks}{shown_as(path)} {path}\n{text.rstrip()}\n{ticks}"


def shown_as(path: str) -> str:
    """The word after the opening ticks of a block with the file `path`."""
    return _SHOWN_AS.get(path.rpartition(".")[2], "text")


def read_blocks(text: str, wanted: Collection[str]) -> tuple[list[Block], list[str]]:
    """The fenced blocks of an answer in order, and the lines outside them; thoughts are in neither."""
    lines = _after_thinking(text.replace("\r\n", "\n").split("\n"), wanted)
    blocks: list[Block] = []
    prose: list[str] = []
    index = 0
    while index < len(lines):
        opening = _FENCE.match(lines[index])
        if opening is not None:
            before = next((line for line in reversed(prose) if line.strip()), "")
            block = Block(opening["info"], before, [])
            index = _read_block(lines, index + 1, opening["ticks"], block, wanted)
            prose.append("")  # what stands before this block names no later one
            blocks.append(block)
        elif _THOUGHT.match(lines[index].strip()):
            index = _end_of_thought(lines, index)
        else:
            prose.append(lines[index])
            index += 1
    return blocks, prose


def path_of(block: Block, wanted: Collection[str]) -> str:
    """The path a block is for, from its info string, the line before it, or its first line; `path::Symbol` for a part.

    A first line that is the path and nothing else is the block's name and not its text: it goes.
    """
    if path := _named_in(block.info, wanted):
        return path
    last = _bare(block.info.split(" ")[-1].split("=")[-1]) if block.info else ""
    last = last if PART in last else last.split(":")[-1]
    if "/" in last or PART in last or ("." in last and _PATH.match(last)):
        return last
    attribute = _ATTRIBUTE.search(block.before)
    first = block.lines[0].strip() if block.lines else ""
    words = block.before.split()
    before = [_bare(block.before), _bare(words[-1]) if words else "", attribute[1] if attribute else ""]
    for candidate in (*before, _bare(first.lstrip("#/<!-* ").rstrip("->* "))):
        if candidate.partition(PART)[0] in wanted:
            if first == candidate and not candidate.endswith(_DOCUMENTS):
                del block.lines[0]
            return candidate
    return ""


def unwrapped(path: str, block: Block) -> str:
    """The text of a block. Where code is one more fenced block and nothing else, it is the text of that one."""
    inside = [number for number, line in enumerate(block.lines) if line.strip()]
    if path.endswith(_DOCUMENTS) or len(inside) < 2:
        return block.text
    opening, closing = (_FENCE.match(block.lines[number]) for number in (inside[0], inside[-1]))
    if opening is None or closing is None or closing["info"] or opening["ticks"] != closing["ticks"]:
        return block.text
    held = block.lines[inside[0] + 1 : inside[-1]]
    if any(_FENCE.match(line) for line in held):
        return block.text
    return Block(opening["info"], "", held).text


def _after_thinking(lines: list[str], wanted: Collection[str]) -> list[str]:
    """The lines after thoughts whose opening mark the chat template has swallowed."""
    for index, line in enumerate(lines):
        if _THOUGHT.match(line.strip()) or _opens_wanted(line, wanted):
            return lines
        if _THOUGHT_END.match(line.strip()):
            return [_THOUGHT_END.sub("", line.strip()), *lines[index + 1 :]]
    return lines


def _opens_wanted(line: str, wanted: Collection[str]) -> bool:
    fence = _FENCE.match(line)
    return fence is not None and bool(_named_in(fence["info"], wanted))


def _end_of_thought(lines: list[str], index: int) -> int:
    """The index after a thought; what follows its end on the same line stays, as the next line to read."""
    opening = _THOUGHT.match(lines[index].strip())
    end = f"</{opening['tag'].lower()}>" if opening else ""
    while index < len(lines):
        place = lines[index].lower().find(end)
        if place >= 0:
            rest = lines[index][place + len(end) :]
            if rest.strip():
                lines[index] = rest
                return index
            return index + 1
        index += 1
    raise ThoughtCut


def _read_block(lines: Sequence[str], index: int, ticks: str, block: Block, wanted: Collection[str]) -> int:
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
    raise AnswerCut(_named_in(block.info, wanted).partition(PART)[0])


def _named_in(info: str, wanted: Iterable[str]) -> str:
    """The wanted path, or `path::Symbol`, among the words of an info string."""
    pieces = [piece for part in info.split() for piece in (part, part.split("=")[-1])]
    pieces += [part.split(":", 1)[1] for part in info.split() if ":" in part and not part.startswith(":")]
    words = {_bare(piece): None for piece in pieces}
    for path in wanted:
        for word in words:
            name, _, symbol = word.partition(PART)
            if name == path:
                return f"{path}{PART}{symbol}" if symbol else path
    return ""


def _bare(word: str) -> str:
    """`word` without the decoration that models put around a path: `**src/a.py**:`."""
    word = word.strip().lstrip("#*`\"'({[ ").rstrip("*`\"'): }]")
    word = re.sub(r"^(?:file(?:_?(?:name|path))?|path)[:= ]+", "", word, flags=re.IGNORECASE).strip("`*\"' ")
    return word.removeprefix("./").removeprefix("/workspace/")
