"""What is counted, and what a word is."""

from collections import Counter

import pytest

from wordcount.counting import count, words_of
from wordcount.records import Counts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One two", ["one", "two"]),
        ("one,two;three.", ["one", "two", "three"]),
        ("Don't", ["don't"]),
        ("it’s", ["it’s"]),
        ("well-known", ["well-known"]),
        ("'quoted'", ["quoted"]),
        ("- dash -- dashes", ["dash", "dashes"]),
        ("3 eggs", ["3", "eggs"]),
        ("Straße ÄRGER", ["strasse", "ärger"]),
        ("snake_case __init__", ["snake_case", "init"]),
        ("... !?", []),
    ],
)
def test_words_are_found(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_stream_of_lines_is_counted() -> None:
    counts = count(["To be, or\n", "not to be\n"])
    frequencies = Counter({"to": 2, "be": 2, "or": 1, "not": 1})
    assert counts == Counts(2, 6, 20, frequencies)


def test_a_last_line_without_an_end_is_a_line() -> None:
    assert count(["a\n", "b"]).lines == 2


def test_nothing_has_nothing() -> None:
    assert count([]) == Counts()
