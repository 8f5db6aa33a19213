"""What the fetch server says when a page is not to be had. No text of a page or of a server stands in these words."""

from http import HTTPStatus

from codegod_kit import ToolFault
from codegod_kit.options import UsageFault

# Enough of an address to know it again.
_SHOWN_CHARS = 200


class FetchFault(ToolFault):
    """Any failure of this server that a caller may read."""


class BadUrl(FetchFault):
    """The text is not an address that can be fetched."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{_short(url)} cannot be fetched: {reason}. Give a whole address, e.g. `https://example.com/docs`."
        )
        self.url = url
        self.reason = reason


class BadRedirect(FetchFault):
    """A page leads on to something that cannot be fetched. Where to is not told: the page chose those words."""

    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(
            f"A page of {_short(origin)} redirects to what cannot be fetched: {reason}. Try another page."
        )
        self.origin = origin
        self.reason = reason


class PortRefused(FetchFault):
    """The port is not one that serves pages."""

    def __init__(self, host: str, port: int, allowed: tuple[int, ...]) -> None:
        ports = ", ".join(str(one) for one in allowed)
        super().__init__(
            f"Port {port} of {_short(host)} is not allowed; pages are fetched from ports {ports}. "
            f"Whoever runs the server can exempt `{host}:{port}` with CODEGOD_FETCH_ALLOW."
        )
        self.host = host
        self.port = port


class AddressRefused(FetchFault):
    """The name leads to an address that is not on the public internet."""

    def __init__(self, host: str, port: int, kind: str) -> None:
        super().__init__(
            f"{_short(host)} is refused: it leads to {kind}, and only public addresses are fetched. "
            f"Whoever runs the server can exempt `{host}:{port}` with CODEGOD_FETCH_ALLOW."
        )
        self.host = host
        self.port = port
        self.kind = kind


class UnknownHost(FetchFault):
    """The name has no address."""

    def __init__(self, host: str) -> None:
        super().__init__(f"No address was found for {_short(host)}. Check the spelling, or try another page.")
        self.host = host


class NotReached(FetchFault):
    """The connection could not be made, broke off, or spoke no HTTP."""

    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(
            f"{_short(origin)} could not be read: {reason}. Try again later, or try another page."
        )
        self.origin = origin
        self.reason = reason


class FetchTookTooLong(FetchFault):
    """The download did not end in time."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"{_short(url)} was not loaded within {seconds:g} s. Try another page.")
        self.url = url
        self.seconds = seconds


class TooManyRedirects(FetchFault):
    """The page kept sending us on."""

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(
            f"{_short(url)} redirects more than {limit} times. Fetch the page it should lead to."
        )
        self.url = url


class BodyTooLarge(FetchFault):
    """A page is longer than what this server takes in, as sent or once unpacked."""

    def __init__(self, origin: str, limit: int) -> None:
        super().__init__(f"The page of {_short(origin)} is longer than {limit} bytes. Fetch a smaller one.")
        self.origin = origin
        self.limit = limit


class UnknownEncoding(FetchFault):
    """A body is packed in a way that was not asked for, or is broken."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"The page of {_short(origin)} is packed in a way that cannot be read. Try another page."
        )
        self.origin = origin


class PageRefused(FetchFault):
    """The server answered with an error status."""

    def __init__(self, url: str, status: int) -> None:
        try:
            phrase = f" ({HTTPStatus(status).phrase})"
        except ValueError:
            phrase = ""
        super().__init__(f"{_short(url)} answered with status {status}{phrase}. Check the address.")
        self.url = url
        self.status = status


class RobotsRefused(FetchFault):
    """The site's robots.txt asks programs to leave the page alone."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The robots.txt of its site does not allow {_short(url)}. Use another source.")
        self.url = url


class UnreadableContent(FetchFault):
    """The page is something that has no text."""

    def __init__(self, url: str, content: str) -> None:
        super().__init__(
            f"{_short(url)} is {content}, which this server does not read. Look for the same text as a web page."
        )
        self.url = url
        self.content = content


class ParseFailed(FetchFault):
    """The reading process gave up, or was stopped."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{_short(url)} could not be turned into text: {reason}. Try another page.")
        self.url = url
        self.reason = reason


class NoOpenApi(FetchFault):
    """The document is no OpenAPI or Swagger description."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{_short(url)} is no OpenAPI description: {reason}. Fetch the JSON or YAML file itself, "
            "or read the page with `fetch_page`."
        )
        self.url = url
        self.reason = reason


class PageForgotten(FetchFault):
    """A cursor came too late: the page it continues is not kept any more."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{_short(url)} is not kept any more, so its cursors have ended. Call again with an empty `cursor`."
        )
        self.url = url


class BadAllowance(UsageFault):
    """CODEGOD_FETCH_ALLOW names something else than host:port pairs."""

    def __init__(self, entry: str) -> None:
        super().__init__(f"CODEGOD_FETCH_ALLOW: {entry!r} is not HOST:PORT, e.g. `127.0.0.1:8123`")
        self.entry = entry


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…")
