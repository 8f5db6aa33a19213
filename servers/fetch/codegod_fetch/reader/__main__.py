"""The process that reads one document and ends."""

import json
import sys

from codegod_fetch.reader.limits import drop_privileges, limit_self
from codegod_fetch.reader.request import Request, Unreadable, decode


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
    # Only what this document needs is loaded, and before the privileges that loading takes are gone.
    if request.kind == "openapi":
        from codegod_fetch.reader.openapi import read_api

        drop_privileges()
        return read_api(decode(sys.stdin.buffer.read(), request.charset))
    if request.content == "html":
        from codegod_fetch.reader.html import read_html

        drop_privileges()
        body = sys.stdin.buffer.read()
        return read_html(decode(body, request.charset or _declared(body)), request.url)
    from codegod_fetch.reader.text import read_text

    drop_privileges()
    return read_text(decode(sys.stdin.buffer.read(), request.charset))


def _declared(body: bytes) -> str:
    from codegod_fetch.reader.html import declared_charset

    return declared_charset(body)


if __name__ == "__main__":
    sys.exit(main())
