"""What a file of Rust holds: its functions, the modules around them, and which of them are tests."""

import re
from dataclasses import dataclass
from functools import cached_property

from .source_text import block_end, code_of, line_of

_PIECE = re.compile(
    r"(?P<attribute>#\s*!?\s*\[)|\bmod\s+(?P<module>\w+)\s*\{|\bfn\s+(?P<function>\w+)|(?P<end>[;}])"
)
_TEST = re.compile(r"^(?:[\w:]+::)?(?:test|rstest|test_case|quickcheck)\b(?!_)")
_ONLY_IN_TESTS = re.compile(r"^cfg\s*\(\s*(?:test|all\s*\(\s*test\b)")


@dataclass(frozen=True)
class RustFunction:
    """A function with the attributes before it. `start` is its name, `body` the place of its brace, -1 without one."""

    name: str
    modules: tuple[str, ...]
    attributes: tuple[str, ...]
    start: int
    body: int
    end: int
    in_test_module: bool

    @property
    def is_test(self) -> bool:
        """Whether the test runner runs it."""
        return any(_TEST.match(each) for each in self.attributes)

    @property
    def is_conditional(self) -> bool:
        """Whether the compiler may leave it out."""
        return any(each.startswith("cfg") for each in self.attributes)

    @property
    def title(self) -> str:
        """Its name with the modules of its file."""
        return "::".join((*self.modules, self.name))


@dataclass(frozen=True)
class RustFile:
    """A file of Rust as its text tells."""

    path: str
    text: str

    @cached_property
    def code(self) -> str:
        """The text without comments and what strings say."""
        return code_of(self.text, rust=True)

    @cached_property
    def functions(self) -> tuple[RustFunction, ...]:
        """Every function, from the top of the file to its end."""
        return tuple(_functions(self.code))

    @property
    def tests(self) -> tuple[RustFunction, ...]:
        """Those that the test runner runs."""
        return tuple(each for each in self.functions if each.is_test)

    @property
    def is_test_file(self) -> bool:
        """Whether all of it is test code."""
        return not {"tests", "benches"}.isdisjoint(self.path.split("/")[:-1])

    def in_test(self, place: int) -> bool:
        """Whether the code at a place belongs to the tests."""
        return self.is_test_file or any(
            (each.is_test or each.in_test_module) and each.start <= place < each.end
            for each in self.functions
        )

    def line(self, place: int) -> int:
        """The line of a place."""
        return line_of(self.text, place)


def _functions(code: str) -> "list[RustFunction]":
    found: list[RustFunction] = []
    attributes: list[str] = []
    modules: list[tuple[str, int, bool]] = []  # name, end, whether it is for tests alone
    place = 0
    while match := _PIECE.search(code, place):
        place = match.end()
        modules = [each for each in modules if each[1] > match.start()]
        if match["attribute"]:
            place = _bracket_end(code, match.end() - 1)
            attributes.append(" ".join(code[match.end() : place - 1].split()))
        elif match["module"]:
            for_tests = any(_ONLY_IN_TESTS.match(each) for each in attributes)
            modules.append((match["module"], block_end(code, match.end() - 1), for_tests))
            attributes = []
        elif match["function"]:
            found.append(_function(code, match, modules, tuple(attributes)))
            attributes = []
        else:
            attributes = []
    return found


def _function(
    code: str, match: "re.Match[str]", modules: list[tuple[str, int, bool]], attributes: tuple[str, ...]
) -> RustFunction:
    opened = re.compile(r"[{;]").search(code, match.end())
    body = opened.start() if opened and opened[0] == "{" else -1
    return RustFunction(
        match["function"], tuple(name for name, _, _ in modules), attributes, match.start("function"), body,
        block_end(code, body) if body >= 0 else match.end(), any(only for _, _, only in modules),
    )  # fmt: skip


def _bracket_end(code: str, start: int) -> int:
    depth = 0
    for found in re.compile(r"[\[\]]").finditer(code, start):
        depth += 1 if found[0] == "[" else -1
        if depth == 0:
            return found.end()
    return len(code)
