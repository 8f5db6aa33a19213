"""Cutting texts and lists by cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_kit import BadCursor, page_list, page_text


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(min_value=1, max_value=50))
def test_the_pages_of_a_text_are_the_text(text: str, limit: int) -> None:
    pieces, cursor = [], ""
    while True:
        page = page_text(text, cursor, limit=limit)
        assert len(page.text) <= limit
        assert page.total_chars == len(text)
        pieces.append(page.text)
        cursor = page.next_cursor
        if not cursor:
            break
    assert "".join(pieces) == text


@given(st.lists(st.integers(), max_size=60), st.integers(min_value=1, max_value=20))
def test_the_pages_of_a_list_are_the_list(items: list[int], limit: int) -> None:
    pieces: list[int] = []
    cursor = ""
    while True:
        page = page_list(items, cursor, of="query", limit=limit)
        pieces += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    assert pieces == items


def test_a_page_ends_after_a_line_where_there_is_one() -> None:
    assert page_text("one\ntwo\nthree", limit=9).text == "one\ntwo\n"


@pytest.mark.parametrize(
    "cursor", ["x", "1", "99999.000000000000", "-1.abc", "1.123456789abc", "²." + "a" * 12]
)
def test_what_is_no_cursor_says_how_to_begin(cursor: str) -> None:
    with pytest.raises(BadCursor, match="Leave `cursor` empty to begin"):
        page_text("some text", cursor)


def test_a_cursor_of_a_text_that_changed_is_refused() -> None:
    cursor = page_text("one\ntwo\n", limit=4).next_cursor
    with pytest.raises(BadCursor):
        page_text("ONE\ntwo\n", cursor)


def test_a_cursor_of_another_query_is_refused() -> None:
    cursor = page_list(range(10), of="main", limit=4).next_cursor
    assert page_list(range(10), cursor, of="main", limit=4).items == (4, 5, 6, 7)
    with pytest.raises(BadCursor):
        page_list(range(10), cursor, of="other", limit=4)


def test_a_cursor_beyond_a_list_that_shrank_is_refused() -> None:
    cursor = page_list(range(10), limit=8).next_cursor
    with pytest.raises(BadCursor):
        page_list(range(3), cursor)
