"""When an answer counts as a loop, and what must never do."""

import random
from pathlib import Path

import pytest

import codegod_models
from codegod_models.repeats import LOOPS, RepeatWatch

FUNCTION = (
    "def add_{n}(first: int, second: int) -> int:\n"
    '    """The sum of two numbers."""\n'
    "    if first < 0 or second < 0:\n"
    "        raise ValueError('negative')\n"
    "    return first + second\n\n\n"
)
FILE = Path(codegod_models.__file__).with_name("retry.py").read_text("utf-8")[:3_500]
LONGEST = max(loop.chars for loop in LOOPS)


def heard(text: str, *, piece: int = 40) -> str:
    watch = RepeatWatch()
    notes = (watch.hear(text[at : at + piece]) for at in range(0, len(text), piece))
    return next(filter(None, notes), "")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x" * 5_000, "xx"),
        ("\n" * 5_000, "white space"),
        ("the the " * 1_000, "the"),
        ("Here it is:\n" + "- [ ] write the test\n" * 300, "write the test"),
        (FUNCTION.replace("{n}", "up") * 100, "def add_up(first"),
        (FILE * 5, "Raises `ModelFault`"),
        ("".join(FUNCTION.replace("{n}", str(n)) for n in range(100)), "def add_0(first"),
    ],
    ids=["letter", "nothing", "word", "line", "function", "file", "counting"],
)
@pytest.mark.parametrize("piece", [1, 40, 4_000])
def test_a_loop_is_heard_whatever_the_size_of_its_pieces(text: str, named: str, piece: int) -> None:
    assert named in heard(text, piece=piece)


def test_a_loop_of_one_line_ends_within_a_page() -> None:
    watch = RepeatWatch()
    line = "    self.value = value\n"
    before = next(number for number in range(10_000) if watch.hear(line)) * len(line)
    assert before < 4_500


@pytest.mark.parametrize(
    "text",
    [
        "=" * 2_500 + "\n",
        "".join(f"    ({n}, {n * n}, {n**3}),\n" for n in range(200)),
        "| name | value |\n" + "|---|---|\n" * 50,
        '{"a": null},\n' * 150 + "]\n" + FILE,
        FILE + FILE,
    ],
    ids=["ruler", "table of 200 rows", "markdown", "json", "a file and its second try"],
)
def test_what_people_write_is_no_loop(text: str) -> None:
    assert heard(text + FILE[:900]) == ""


def test_random_text_is_no_loop() -> None:
    chance = random.Random(7)  # noqa: S311
    assert heard("".join(chance.choice("ab \n") for _ in range(3 * LONGEST))) == ""


def test_no_code_of_ours_or_of_the_library_is_a_loop() -> None:
    files = [*Path(codegod_models.__file__).parent.glob("*.py"), *Path(random.__file__).parent.glob("*.py")]
    flagged = [file.name for file in files if heard(file.read_text("utf-8", "replace"), piece=700)]
    assert len(files) > 150
    assert flagged == []
