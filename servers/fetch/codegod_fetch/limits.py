"""How much of a page, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one page may take. The defaults are for two cores and a client that waits about a minute."""

    download_seconds: float = 20.0
    """Name lookup, robots.txt, redirects and body together."""
    body_bytes: int = 10 * 1024 * 1024
    """On the wire and unpacked; the largest API descriptions in use come close to it."""
    read_seconds: float = 15.0
    """A dense page of two megabytes takes four seconds of one core."""
    read_cpu_seconds: int = 12
    read_memory_bytes: int = 768 * 1024 * 1024
    """The tree of a large page has half of that."""
