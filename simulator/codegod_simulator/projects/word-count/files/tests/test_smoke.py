"""The parts fit together, whether or not they do anything yet."""

import importlib
from collections import Counter

import pytest

from wordcount.records import Counts


@pytest.mark.parametrize("name", ["__main__", "cli", "counting", "report", "sources"])
def test_every_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(f"wordcount.{name}").__doc__


def test_counts_add_up() -> None:
    one, two = Counts(1, 2, 3, Counter(a=2)), Counts(10, 20, 30, Counter(a=1, b=19))
    assert one + two == Counts(11, 22, 33, Counter(a=3, b=19))
