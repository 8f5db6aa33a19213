"""Thoughts that stand in the text of an answer."""

import pytest

from codegod_models import TextPart, ThoughtPart
from codegod_models.thinking import ThoughtFilter


def said(text: str, piece: int) -> tuple[str, str]:
    """The thoughts and the text of an answer that comes in pieces."""
    filter_ = ThoughtFilter()
    parts = [part for at in range(0, len(text), piece) for part in filter_.add(text[at : at + piece])] + list(
        filter_.rest()
    )
    thoughts = "".join(part.text for part in parts if isinstance(part, ThoughtPart))
    return thoughts, "".join(part.text for part in parts if isinstance(part, TextPart))


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "thoughts", "answer"),
    [
        ("hello", "", "hello"),
        ("", "", ""),
        ("<", "", "<"),
        ("<thin air>", "", "<thin air>"),
        ("  \n<think>hm</think>\n\nhello", "hm", "\n\nhello"),
        ("<thinking>a <b> c</thinking>x", "a <b> c", "x"),
        ("<think></think>x", "", "x"),
        ("x <think>no</think>", "", "x <think>no</think>"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ],
)
def test_thoughts_before_the_answer_are_no_part_of_it(
    text: str, thoughts: str, answer: str, piece: int
) -> None:
    assert said(text, piece) == (thoughts, answer)


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_thoughts_that_never_end_are_kept_as_text_because_the_answer_may_be_among_them(piece: int) -> None:
    text = "<think>hm\n```python a.py\nx = 1\n```\n"
    assert said(text, piece)[1] == text
