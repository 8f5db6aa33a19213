"""What a page cannot do to the server: keep it waiting, fill its memory, stop its answers."""

import asyncio
import gzip
import resource
import time
import zlib
from collections.abc import Awaitable, Callable

import pytest

from codegod_fetch.inflate import BadPacking, inflater
from codegod_fetch.limits import Limits

from .conftest import OpenWeb, Web, page, said

pytestmark = pytest.mark.long

SHORT = Limits(download_seconds=0.5, body_bytes=100_000)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


async def drip(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_headers(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-Pad: " + b"x" * 1000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def slow_headers(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(_: str, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def endless_hints(_: str, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def endless_body(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize("reply", [drip, slow_headers, silence, endless_hints])
async def test_a_page_that_takes_for_ever_ends_in_time(
    open_web: OpenWeb, reply: Callable[[str, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async with open_web(limits=SHORT) as web:
        web.site.replies["/"] = reply
        started = time.monotonic()
        result = await web.call("fetch_page", url="http://site.test/")
        assert result.is_error
        assert "within 0.5 s" in said(result)
        assert time.monotonic() - started < 5
        await still_answers(web)


@pytest.mark.parametrize("reply", [drip, silence])
async def test_the_time_limit_counts_robots_txt_in(
    open_web: OpenWeb, reply: Callable[[str, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async with open_web(limits=SHORT) as web:
        web.site.replies["/robots.txt"] = reply
        assert "within 0.5 s" in said(await web.call("fetch_page", url="http://site.test/"))


async def test_headers_without_an_end_are_refused(web: Web) -> None:
    web.site.replies["/"] = endless_headers
    assert "does not speak proper HTTP" in said(await web.call("fetch_page", url="http://site.test/"))


@pytest.mark.parametrize(
    "reply",
    [
        endless_body,
        page(b"x" * 100_001),
        page(gzip.compress(b"x" * 50_000_000), headers={"Content-Encoding": "gzip"}),
        page(zlib.compress(b"x" * 50_000_000), headers={"Content-Encoding": "deflate"}),
        page(gzip.compress(b"") * 6000, headers={"Content-Encoding": "gzip"}),
    ],
    ids=["endless", "long", "gzip bomb", "deflate bomb", "many empty members"],
)
async def test_a_body_is_read_up_to_the_limit_and_no_further(
    open_web: OpenWeb, reply: bytes | Callable[[str, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async with open_web(limits=Limits(body_bytes=100_000)) as web:
        web.site.replies["/"] = reply
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = await web.call("fetch_page", url="http://site.test/")
        assert result.is_error
        assert "longer than 100000 bytes" in said(result)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB
        await still_answers(web)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress", "gzip, identity, gzip"])
async def test_bodies_packed_in_other_ways_or_twice_are_refused(web: Web, encoding: str) -> None:
    web.site.replies["/"] = page(gzip.compress(b"x"), headers={"Content-Encoding": encoding})
    assert "packed in a way" in said(await web.call("fetch_page", url="http://site.test/"))


async def test_a_body_that_is_not_packed_as_it_says_is_refused(web: Web) -> None:
    web.site.replies["/"] = page(b"<p>plain" * 50, headers={"Content-Encoding": "gzip"})
    assert "packed in a way" in said(await web.call("fetch_page", url="http://site.test/"))


def test_unpacking_piece_by_piece_gives_what_unpacking_whole_gives() -> None:
    text = bytes(range(256)) * 500
    packed = gzip.compress(text[:1000]) + gzip.compress(text[1000:])
    for step in (1, 7, 4096, len(packed)):
        packing = inflater("GZIP")
        out = b"".join(packing.feed(packed[at : at + step], 10**6) for at in range(0, len(packed), step))
        packing.finish()
        assert out == text


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"x" * 99)[:-1], gzip.compress(b"x") + b"rubbish", b"rubbish"],
    ids=["cut", "more", "other"],
)
def test_a_packed_body_must_be_whole_and_nothing_else(body: bytes) -> None:
    packing = inflater("gzip")
    with pytest.raises(BadPacking):
        packing.feed(body, 10**6)
        packing.finish()


@pytest.mark.parametrize(
    ("limits", "html", "words"),
    [
        (Limits(read_seconds=0.5), "<div>" * 100_000, "takes more than 0.5 s"),
        (Limits(read_cpu_seconds=1), "<div>" * 100_000, "too much time or memory"),
        (Limits(read_memory_bytes=96 * 1024 * 1024), "<p><b><a href=x>" * 50_000, "memory"),
    ],
    ids=["wall clock", "processor", "memory"],
)
async def test_a_page_that_is_hard_to_read_is_given_up(
    open_web: OpenWeb, limits: Limits, html: str, words: str
) -> None:
    async with open_web(limits=limits) as web:
        web.site.replies["/"] = page(html)
        result = await web.call("fetch_page", url="http://site.test/")
        assert result.is_error
        assert words in said(result)
        await still_answers(web)


async def test_deep_nesting_is_read(web: Web) -> None:
    openings = ["<div>", "<b><i>", "<ul><li>", "<blockquote>", "<table><tr><td>", "<details><summary>"]
    web.site.replies["/"] = page(
        "".join(f"{tag * 3000}deep {number}{'</div>' * 9}" for number, tag in enumerate(openings))
    )
    text = (await web.page("http://site.test/"))["text"]
    assert [number for number in range(len(openings)) if f"deep {number}" not in text] == []


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "&amp", "<!--", "</", "<p x='", "<![CDATA[", "<div>", "<td>", "<noscript>"]
)
async def test_half_markup_in_great_numbers_is_read_or_given_up(web: Web, piece: str) -> None:
    web.site.replies["/"] = page(piece * (2_000_000 // len(piece)))
    started = time.monotonic()
    await web.call("fetch_page", url="http://site.test/")
    assert time.monotonic() - started < 20
    await still_answers(web)


async def still_answers(web: Web) -> None:
    web.site.replies["/fine"] = page("<p>fine")
    web.site.replies.pop("/robots.txt", None)
    assert (await web.page("http://site.test/fine"))["text"] == "fine"
