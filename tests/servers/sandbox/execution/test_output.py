"""What is kept of a stream and how it is shown."""

import pytest

from codegod_sandbox.output import Kept, printable, shorten


@pytest.mark.parametrize("chunk", [1, 7, 100, 10_000])
def test_the_beginning_and_the_end_are_kept_however_it_comes(chunk: int) -> None:
    whole = b"".join(b"%06d\n" % number for number in range(1000))
    kept = Kept(200)
    for place in range(0, len(whole), chunk):
        kept.add(whole[place : place + chunk])
    assert kept.total == len(whole)
    assert kept.left_out == len(whole) - 200
    assert kept.content() == whole[:100] + b"\n[... 6800 bytes left out ...]\n" + whole[-100:]


@pytest.mark.parametrize("size", [0, 1, 199, 200])
def test_what_fits_is_kept_whole(size: int) -> None:
    kept = Kept(200)
    kept.add(b"x" * size)
    assert (kept.content(), kept.left_out) == (b"x" * size, 0)


def test_memory_is_bounded_by_the_limit() -> None:
    kept = Kept(100)
    for _ in range(1000):
        kept.add(b"x" * 1000)
    assert len(kept._tail) <= 1100


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain\ttext\n", "plain\ttext\n"),
        (b"line\r\nnext\rover", "line\nnext\\x0dover"),
        (b"\x1b]52;c;cHduZWQ=\x07", "\\x1b]52;c;cHduZWQ=\\x07"),
        (b"\x00\x7f\xc2\x9b", "\\x00\\x7f\\x9b"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("übrig ✓".encode(), "übrig ✓"),
        ("evil\u202etxt".encode(), "evil\\u202etxt"),
        ("a\u200bb\ufeffc".encode(), "a\\u200bb\\ufeffc"),
    ],
)
def test_nothing_that_is_shown_acts_on_a_terminal_or_hides(content: bytes, text: str) -> None:
    assert printable(content) == text


def test_a_long_text_is_shortened_in_the_middle() -> None:
    assert shorten("x" * 10, 10) == "x" * 10
    assert shorten("a" * 50 + "b" * 50, 10) == "aaaaa\n[... 90 characters left out ...]\nbbbbb"
