"""From an address to the bytes of a page: redirects and robots.txt, all of it within one time limit."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from codegod_fetch.faults import FetchTookTooLong, NotReached, PageRefused, RobotsRefused, TooManyRedirects
from codegod_fetch.limits import Limits
from codegod_fetch.robots import ROBOTS_LIMIT_BYTES, Robots
from codegod_fetch.target import Target
from codegod_fetch.web import AGENT, Response, Visit, Web

# What browsers' fetch would follow is 20; honest pages need two or three.
REDIRECTS = 5
# The RFC asks not to keep a robots.txt for more than a day.
_ROBOTS_SECONDS = 3600.0
# Each may hold half a megabyte of rules.
_ROBOTS_KEPT = 32
# Each may hold a whole body.
_AT_ONCE = 8
_FOLLOWED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes at the end of the redirects. `content_type` is the raw header."""

    final_url: str
    status: int
    content_type: str
    body: bytes


class Downloader:
    """Fetches pages; remembers what each site's robots.txt said, and nothing else."""

    def __init__(self, web: Web, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._limits = limits
        self._clock = clock
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._robots: OrderedDict[str, tuple[float, Robots]] = OrderedDict()

    async def download(self, target: Target) -> Download:
        """The page at `target`, or the `FetchFault` that says why there is none."""
        with anyio.move_on_after(self._limits.download_seconds):
            async with self._places, self._web.visit() as visit:
                return await self._follow(visit, target)
        raise FetchTookTooLong(target.url, self._limits.download_seconds)

    async def _follow(self, visit: Visit, start: Target) -> Download:
        target = start
        for _ in range(REDIRECTS + 1):
            if not (await self._robots_of(visit, target)).allows(target.path):
                raise RobotsRefused(start.url)
            response = await visit.get(target, limit=self._limits.body_bytes)
            following = _following(response, target)
            if following is None:
                return _accepted(response, start, target)
            target = following
        raise TooManyRedirects(start.url, REDIRECTS)

    async def _robots_of(self, visit: Visit, target: Target) -> Robots:
        robots = self._known(target.origin)
        if robots is None:
            robots = await self._read_robots(visit, target)
            self._remember(target.origin, robots)
        return robots

    async def _read_robots(self, visit: Visit, site: Target) -> Robots:
        target = Target(site.scheme, site.host, site.port, "/robots.txt")
        for _ in range(REDIRECTS + 1):
            response = await visit.get(target, limit=ROBOTS_LIMIT_BYTES, cut=True)
            following = _following(response, target)
            if following is None:
                return _rules(response, site)
            target = following
        return Robots.everything()

    def _known(self, origin: str) -> Robots | None:
        expires, robots = self._robots.get(origin, (0.0, None))
        return robots if self._clock() < expires else None

    def _remember(self, origin: str, robots: Robots) -> None:
        self._robots[origin] = (self._clock() + _ROBOTS_SECONDS, robots)
        self._robots.move_to_end(origin)
        if len(self._robots) > _ROBOTS_KEPT:
            self._robots.popitem(last=False)


def _following(response: Response, target: Target) -> Target | None:
    location = response.headers.get("location", "")
    return target.join(location) if response.status in _FOLLOWED and location else None


def _accepted(response: Response, start: Target, target: Target) -> Download:
    if not 200 <= response.status < 300:
        # Where the redirects led is the pages' choice of words; the caller's own address stands in our faults.
        raise PageRefused(start.url, response.status)
    return Download(target.url, response.status, response.headers.get("content-type", ""), response.body)


def _rules(response: Response, site: Target) -> Robots:
    if 200 <= response.status < 300:
        return Robots.parse(response.body.decode("utf-8", "replace"), AGENT)
    if response.status in (401, 403):
        return Robots.nothing()
    if response.status >= 500:
        raise NotReached(site.origin, "its robots.txt, which must be read first, gave a server error")
    return Robots.everything()
