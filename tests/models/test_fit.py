"""How many tokens a text is taken for."""

import pytest

from codegod_models import Message, ModelRequest, estimate_tokens, request_tokens
from codegod_models.fit import expected_tokens, fit_context


@pytest.mark.parametrize(
    "text",
    ["", "x", "def add(a: int, b: int) -> int:\n    return a + b\n", "žluťoučký kůň", "日本語のコード"],
)
def test_the_budget_is_never_below_what_is_expected(text: str) -> None:
    assert estimate_tokens(text) >= expected_tokens(text)


def test_a_lone_surrogate_is_counted_like_any_text() -> None:
    assert estimate_tokens("\ud800") == 1


def test_a_request_counts_all_that_is_sent() -> None:
    bare = ModelRequest("", (Message("user", "x" * 300),), 10)
    more = ModelRequest("y" * 300, (Message("user", "x" * 300), Message("assistant", "z" * 300)), 10)
    assert request_tokens(bare) >= 100
    assert request_tokens(more) >= request_tokens(bare) + 200


@pytest.mark.parametrize(
    ("wanted", "limit", "expected"),
    [(1, None, 4096), (4096, None, 4096), (4097, None, 8192), (16_384, 8192, 8192), (9000, 32_768, 12_288)],
)
def test_few_context_sizes_exist_and_none_beyond_the_model(
    wanted: int, limit: int | None, expected: int
) -> None:
    assert fit_context(wanted, limit) == expected
