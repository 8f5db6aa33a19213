"""Articles, movements and what callers may say about them."""

import pytest

from stockroom.articles import Article, parse_article, parse_change
from stockroom.errors import BadInput


def test_an_article_is_read() -> None:
    values = {"sku": "NUT-8", "name": "  Nut M8 ", "minimum": 50}
    assert parse_article(values) == Article("NUT-8", "Nut M8", 50, 0)


def test_the_minimum_is_nothing_by_default() -> None:
    assert parse_article({"sku": "AB", "name": "x"}).minimum == 0


@pytest.mark.parametrize("sku", ["", "A", "ab", "A" * 21, "A B", "Ä1", "AB\n", 5, None])
def test_a_wrong_sku_is_named(sku: object) -> None:
    with pytest.raises(BadInput) as caught:
        parse_article({"sku": sku, "name": "x"})
    assert list(caught.value.problems) == ["sku"]


@pytest.mark.parametrize("minimum", [-1, 1.0, True, "5", None, 1_000_001])
def test_a_wrong_minimum_is_named(minimum: object) -> None:
    with pytest.raises(BadInput) as caught:
        parse_article({"sku": "AB", "name": "x", "minimum": minimum})
    assert list(caught.value.problems) == ["minimum"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        parse_article({"name": " ", "colour": "red"})
    assert set(caught.value.problems) == {"sku", "name", "colour"}


@pytest.mark.parametrize("values", [None, [], "AB", 5])
def test_what_is_no_object_is_refused(values: object) -> None:
    with pytest.raises(BadInput, match="body"):
        parse_article(values)
    with pytest.raises(BadInput, match="body"):
        parse_change(values)


def test_a_change_is_read() -> None:
    assert parse_change({"change": -3, "reason": " sold "}) == (-3, "sold")
    assert parse_change({"change": 5}) == (5, "")


@pytest.mark.parametrize("change", [0, True, 1.5, "5", None, 1_000_001, -1_000_001])
def test_a_wrong_change_is_named(change: object) -> None:
    with pytest.raises(BadInput) as caught:
        parse_change({"change": change})
    assert list(caught.value.problems) == ["change"]


def test_a_wrong_reason_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        parse_change({"change": 1, "reason": "x" * 101})
    assert list(caught.value.problems) == ["reason"]


def test_what_is_lacking_is_counted() -> None:
    assert Article("AB", "x", 5, 2).lacking == 3
    assert Article("AB", "x", 5, 9).lacking == -4
