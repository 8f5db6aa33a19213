"""The process that reads one document and ends."""

import json
import sys
from collections.abc import Callable
from functools import partial

from codegod_fetch.reader.limits import drop_privileges, limit_self
from codegod_fetch.reader.request import Request, Unreadable, declared_charset, decode
from codegod_fetch.reader.text import read_text


def main() -> int:
    """Answer the one request on stdin; a document that cannot be read is an answer too."""
    header = json.loads(sys.stdin.buffer.readline())
    request = Request(header["kind"], header["content"], header["charset"], header["url"])
    limit_self(header["memory_bytes"], header["cpu_seconds"])
    try:
        answer = _read(request)
    except Unreadable as error:
        answer = {"problem": str(error)}
    except MemoryError:
        answer = {"problem": "it takes too much memory"}
    except RecursionError:
        answer = {"problem": "it is nested too deeply"}
    json.dump(answer, sys.stdout, ensure_ascii=True)
    return 0


def _read(request: Request) -> dict[str, object]:
    read = _load(request)
    body = sys.stdin.buffer.read()
    # Decoding may load a codec, so it comes before the privileges that loading takes are gone.
    if request.kind == "page" and request.content == "html":
        text = decode(body, request.charset or declared_charset(body))
    else:
        text = decode(body, request.charset)
    drop_privileges()
    return read(text)


def _load(request: Request) -> Callable[[str], dict[str, object]]:
    """What reads this document. Only that is imported: a page of text does not wait for an HTML parser."""
    if request.kind == "openapi":
        from codegod_fetch.reader.openapi import read_api

        return read_api
    if request.content == "html":
        from codegod_fetch.reader.html import read_html

        return partial(read_html, url=request.url)
    return read_text


if __name__ == "__main__":
    sys.exit(main())
