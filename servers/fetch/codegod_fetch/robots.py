"""robots.txt as RFC 9309 has it: the longest matching rule of our group decides, and a tie allows.

Patterns are matched piece by piece with `str.find`, never as regular expressions, so that no file can make them slow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote_to_bytes

# The RFC asks for 500 KiB at least.
ROBOTS_LIMIT_BYTES = 512 * 1024
# What a page's path may contain unencoded; everything else is compared in its encoded form.
_PLAIN = "/?#[]@!$&'()*+,;=:~-._%"


@dataclass(frozen=True, slots=True)
class Rule:
    """One Allow or Disallow line."""

    pattern: str
    allow: bool

    def matches(self, path: str) -> bool:
        """Whether the pattern, in which `*` is anything and a final `$` the end, fits the beginning of `path`."""
        whole = self.pattern.endswith("$")
        first, *rest = self.pattern.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        position = len(first)
        if whole and not rest:
            return position == len(path)
        for index, piece in enumerate(rest):
            if whole and index == len(rest) - 1:
                return path.endswith(piece) and len(path) - len(piece) >= position
            found = path.find(piece, position)
            if found < 0:
                return False
            position = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one site for one program."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def everything(cls) -> Self:
        """A site that forbids nothing."""
        return cls()

    @classmethod
    def nothing(cls) -> Self:
        """A site that forbids all of itself."""
        return cls((Rule("/", allow=False),))

    @classmethod
    def parse(cls, text: str, agent: str) -> Self:
        """The rules that `text` has for `agent`, else for everybody."""
        groups = list(_groups(text))
        own = [rules for agents, rules in groups if agent in agents]
        chosen = own or [rules for agents, rules in groups if "*" in agents]
        return cls(tuple(rule for rules in chosen for rule in rules))

    def allows(self, path: str) -> bool:
        """Whether a page at `path`, with its query, may be fetched."""
        if path == "/robots.txt":
            return True
        path = _encoded(path)
        fitting = [rule for rule in self.rules if rule.matches(path)]
        return not fitting or max(fitting, key=lambda rule: (len(rule.pattern), rule.allow)).allow


def _groups(text: str) -> Iterable[tuple[set[str], list[Rule]]]:
    agents: set[str] = set()
    rules: list[Rule] = []
    complete = False
    for name, value in _lines(text):
        if name == "user-agent":
            if complete:
                yield agents, rules
                agents, rules, complete = set(), [], False
            agents.add(value.lower().split("/")[0].strip())
        elif name in ("allow", "disallow"):
            complete = True
            if value:
                rules.append(Rule(_encoded(value), name == "allow"))
    yield agents, rules


def _lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _encoded(path: str) -> str:
    """One spelling for `/a%62` and `/ab`, and for what is written with or without percent signs."""
    return "/".join(quote(unquote_to_bytes(part), safe=_PLAIN.replace("/", "")) for part in path.split("/"))
