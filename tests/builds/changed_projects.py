"""A little library as somebody may have it, and what a simulated master and worker make of wishes about it."""

from collections.abc import Mapping
from pathlib import Path

MANIFEST = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "spans"
version = "0.3.0"
requires-python = ">=3.11"
dependencies = []

[dependency-groups]
dev = ["pytest>=8"]

[tool.hatch.build.targets.wheel]
packages = ["src/spans"]

[tool.pytest.ini_options]
pythonpath = ["src"]
"""

PARSE = '''\
"""Spans of time out of text."""

from spans.units import SECONDS


class NotASpan(ValueError):
    """The text is no span of time."""


def parse(text: str) -> int:
    """The seconds in a text such as "1h30m" or "45"; raises NotASpan."""
    if text.isdigit():
        return int(text)
    total, digits = 0, ""
    for char in text:
        if char.isdigit():
            digits += char
        elif char in SECONDS and digits:
            total, digits = total + int(digits) * SECONDS[char], ""
        else:
            break
    if not total:
        raise NotASpan(text)
    return total


def parse_or_zero(text: str) -> int:
    """The seconds in a text, 0 when it is no span."""
    try:
        return parse(text)
    except:
        return 0
'''

# What is wrong from the beginning and nobody asks about: a bare except above, and a test of days that fails.
LIBRARY: Mapping[str, str] = {
    "pyproject.toml": MANIFEST,
    "README.md": "# spans\n\nSpans of time as text: `parse`, `show`.\n",
    ".gitignore": "__pycache__/\n*.log\n",
    "src/spans/__init__.py": '"""Spans of time as text."""\n\nfrom spans.parse import NotASpan, parse\nfrom spans.show import show\n\n'
    '__all__ = ["NotASpan", "parse", "show"]\n',
    "src/spans/units.py": '"""Units."""\n\nSECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}\n',
    "src/spans/parse.py": PARSE,
    "src/spans/show.py": '''\
"""Spans of time as text."""

from spans.units import SECONDS


def show(seconds: int) -> str:
    """The span as text, the largest units first."""
    parts = []
    for unit in ("h", "m", "s"):
        count, seconds = divmod(seconds, SECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
''',
    "tests/test_parse.py": """\
import pytest

from spans import NotASpan, parse


def test_units_add_up() -> None:
    assert parse("1h30m") == 5400
    assert parse("45") == 45


def test_what_is_no_span_is_refused() -> None:
    with pytest.raises(NotASpan):
        parse("soon")
""",
    "tests/test_show.py": """\
from spans import show


def test_a_span_is_shown() -> None:
    assert show(5400) == "1h30m"
    assert show(0) == "0s"


def test_days_are_shown() -> None:
    assert show(90_000) == "1d1h"
""",
}

MEND = "parse drops what follows a blank: '1h 30m' gives 3600. Mend that"

MENDED = PARSE.replace(
    """\
    total, digits = 0, ""
    for char in text:
""",
    """\
    total, digits = 0, ""
    for char in text.replace(" ", ""):
""",
)

MENDING_PLAN = f"""\
prompts: ["{MEND}"]
name: spans-blanks
summary: A library for spans of time; blanks between the parts of a span are read over.
platforms: [cli]
behaviours:
  - {{id: B1, text: "parse('1h 30m') gives 5400", test: "acceptance/test_blanks.py::test_a_blank_is_read_over"}}
skeleton: []
tasks:
  - id: blanks
    type: bugfix
    title: Read over blanks between the parts of a span
    description: parse stops at the first blank and drops the rest without a word.
    files: [src/spans/parse.py]
    tests: [tests/test_blanks.py, tests/test_show.py]
"""

# An existing file of tests gets one more; the one of days fails in it, as it did before.
EXTENDED = (
    LIBRARY["tests/test_show.py"].replace("from spans import show", "from spans import parse, show")
    + """

def test_what_is_shown_can_be_read_with_blanks() -> None:
    assert parse(show(5400).replace("h", "h ")) == 5400
"""
)

MENDING: Mapping[str, str] = {
    "plan.yaml": MENDING_PLAN,
    "files/src/spans/parse.py": MENDED,
    "files/tests/test_blanks.py": """\
from spans import parse


def test_blanks_between_parts_are_read_over() -> None:
    assert parse("1h 30m") == 5400


def test_several_blanks_are_read_over() -> None:
    assert parse("1d  2h 5s") == 93605
""",
    "files/tests/test_show.py": EXTENDED,
    # One that asserts less than it did is sent back.
    "wrong/contract/1/tests/test_show.py": EXTENDED.replace('    assert show(0) == "0s"\n', ""),
    "acceptance/test_blanks.py": """\
from spans import parse


def test_a_blank_is_read_over() -> None:
    assert parse("2h 15m") == 8100
""",
}


def write_tree(folder: Path, files: Mapping[str, str]) -> Path:
    """`files` below `folder`."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


COUNT = "Add a function that counts the units of a span"

SHOW = LIBRARY["src/spans/show.py"]
COUNTED = f'''{SHOW}

def units(seconds: int) -> int:
    """How many units the shown span has."""
    return sum(char.isalpha() for char in show(seconds)) if seconds else 0
'''
# The same library as somebody may have it who never wrote a test.
UNTESTED: Mapping[str, str] = {path: text for path, text in LIBRARY.items() if not path.startswith("tests/")}
PINNED = """\
from spans.show import show


def test_what_is_shown_today() -> None:
    assert [show(seconds) for seconds in (0, 59, 3600, 90000)] == ["0s", "59s", "1h", "25h"]
"""
HOLLOW_PINS = """\
from spans.show import show


def test_there_is_a_function() -> None:
    assert callable(show)
"""

COUNTING: Mapping[str, str] = {
    "plan.yaml": f"""\
prompts: ["{COUNT}"]
name: spans-units
summary: A library for spans of time; the units of a span are counted.
platforms: [cli]
behaviours:
  - {{id: B1, text: "units(5400) gives 2", test: "acceptance/test_units.py::test_units"}}
skeleton: [tests/test_characterisation.py]
tasks:
  - id: units
    type: backend
    title: Count the units of a span
    description: units gives how many units the text of a span has, 0 for an empty span.
    files: [src/spans/show.py]
    tests: [tests/test_units.py]
""",
    "files/src/spans/show.py": COUNTED,
    "files/tests/test_characterisation.py": PINNED,
    "files/tests/test_units.py": """\
from spans.show import units


def test_units_are_counted() -> None:
    assert (units(5400), units(59)) == (2, 1)


def test_an_empty_span_has_none() -> None:
    assert units(0) == 0 and units(60) == 1
""",
    "contract/src/spans/show.py": f'''{SHOW}

def units(seconds: int) -> int:
    """How many units the shown span has."""
    raise NotImplementedError
''',
    "acceptance/test_units.py": """\
from spans.show import units


def test_units() -> None:
    assert units(90061) == 3
""",
    # Tests that pin nothing down, and a file that was cut on the way, are sent back.
    "wrong/contract/1/tests/test_characterisation.py": HOLLOW_PINS,
    "wrong/contract/1/src/spans/show.py": "def units(seconds: int) -> int:\n    raise NotImplementedError\n",
    "wrong/contract/2/tests/test_characterisation.py": HOLLOW_PINS,
}
