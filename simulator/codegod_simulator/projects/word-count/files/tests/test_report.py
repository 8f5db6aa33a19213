"""Results as a table and as JSON."""

import json
from collections import Counter

from wordcount.records import Counts, Result
from wordcount.report import as_json, as_table, most_frequent, total_of

ONE = Result("a.txt", Counts(1, 3, 14, Counter({"the": 2, "end": 1})))
TWO = Result("b.txt", Counts(12, 100, 1234, Counter({"the": 1, "and": 3})))


def test_one_source_is_one_line() -> None:
    assert as_table([ONE]) == "1 3 14 a.txt"


def test_several_sources_are_aligned_and_have_a_total() -> None:
    assert as_table([ONE, TWO]).split("\n") == [
        " 1   3   14 a.txt",
        "12 100 1234 b.txt",
        "13 103 1248 total",
    ]


def test_the_most_frequent_words_follow_on_request() -> None:
    assert as_table([ONE, TWO], top=2).split("\n")[-3:] == [
        "",
        "    3 and",
        "    3 the",
    ]


def test_equally_frequent_words_come_in_alphabetical_order() -> None:
    frequencies = Counter({"b": 1, "c": 2, "a": 1})
    assert most_frequent(frequencies, 2) == [("c", 2), ("a", 1)]


def test_the_total_is_that_of_all_results() -> None:
    assert (total_of([ONE, TWO]).words, total_of([])) == (103, Counts())


def test_json_has_the_same_numbers() -> None:
    assert json.loads(as_json([ONE, TWO], top=1)) == {
        "sources": [
            {"name": "a.txt", "lines": 1, "words": 3, "characters": 14},
            {"name": "b.txt", "lines": 12, "words": 100, "characters": 1234},
        ],
        "total": {"lines": 13, "words": 103, "characters": 1248},
        "top": [{"word": "and", "count": 3}],
    }


def test_json_lists_words_only_on_request() -> None:
    assert "top" not in json.loads(as_json([ONE]))
