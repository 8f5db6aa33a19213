"""What cannot be built here, by name: platforms, languages and frameworks, and where a prompt asks for one."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

SUPPORTED = "backends, web APIs, web pages and command-line tools in Python, TypeScript, JavaScript or Go"

Support = Literal["later", "no"]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One thing that cannot be built: the names it goes by, the files it lives in, whether it is planned."""

    name: str
    words: tuple[str, ...]  # whole words, in any case
    suffixes: tuple[str, ...] = ()
    support: Support = "no"
    # An English word as well ("a swift reply"): as a language it is only read with a capital, or after "in" or "using".
    ambiguous: bool = False
    platform: bool = False  # something to run on, not to write in
    needs: tuple[str, ...] = ()  # it can be built where these programs are installed


UNSUPPORTED: tuple[Unsupported, ...] = (
    Unsupported("iOS", ("ios", "iphone", "ipad", "ipados"), platform=True),
    Unsupported("Android", ("android",), platform=True),
    Unsupported("a mobile app", ("mobile",), platform=True, ambiguous=True),
    Unsupported("Flutter", ("flutter", "dart"), (".dart",)),
    Unsupported("React Native", ("react native", "ionic", "xamarin")),
    Unsupported("Swift", ("swift", "swiftui", "xcode"), (".swift",), ambiguous=True),
    Unsupported("Kotlin", ("kotlin", "ktor", "jetpack compose"), (".kt", ".kts")),
    Unsupported("Objective-C", ("objective-c",), (".m", ".mm")),
    Unsupported("Java", ("java", "spring boot", "spring", "quarkus"), (".java",), ambiguous=True),
    Unsupported("Scala", ("scala",), (".scala",), ambiguous=True),
    Unsupported("C#", ("c#", ".net", "asp.net", "dotnet", "blazor"), (".cs",)),
    Unsupported("C++", ("c++",), (".cpp", ".cc", ".hpp")),
    Unsupported("Rust", ("rust", "actix", "axum", "tokio"), (".rs",), ambiguous=True),
    Unsupported("Ruby", ("ruby", "rails", "ruby on rails", "sinatra"), (".rb",), ambiguous=True),
    Unsupported("PHP", ("php", "laravel", "symfony", "wordpress"), (".php",)),
    Unsupported("Elixir", ("elixir", "phoenix"), (".ex", ".exs"), ambiguous=True),
    Unsupported("Haskell", ("haskell",), (".hs",)),
    Unsupported("Angular", ("angular",), support="later"),
    Unsupported("Vue", ("vue", "vue.js", "nuxt"), (".vue",), "later"),
    Unsupported("Svelte", ("svelte", "sveltekit"), (".svelte",), "later"),
    Unsupported("Deno", ("deno",), support="later"),
    Unsupported("Bun", ("bun",), support="later", ambiguous=True),
    Unsupported("TypeScript", ("typescript", "nestjs"), (".ts", ".tsx"), "later", needs=("node", "npm")),
    Unsupported(
        "JavaScript",
        ("javascript", "node.js", "nodejs", "node", "express", "react", "next.js", "nextjs"),
        (".jsx", ".mjs"),
        "later",
        ambiguous=True,
        needs=("node", "npm"),
    ),
)

# What is written in a language, and what runs on a platform: `an Android app`, but not `an Android log reader`.
_PRODUCTS = (
    r"apps?|applications?|apis?|backends?|servers?|services?|microservices?|clis?|tools?|programs?|librar(?:y|ies)"
    r"|clients?|games?|frontends?|projects?|widgets?"
)
_PLATFORM_PRODUCTS = r"apps?|applications?|clients?|games?|frontends?|widgets?|versions?"
# What a request is about when it merely speaks of a platform (`an API for our iOS app`, `a tool that reads Android logs`).
_OTHER_SUBJECT = re.compile(
    r"\b(?:apis?|backends?|servers?|services?|microservices?|webhooks?|endpoints?|clis?|command[- ]line|tools?|scripts?"
    r"|librar(?:y|ies)|packages?|programs?|parsers?|scrapers?|bots?|python|websites?|dashboards?)\b",
    re.IGNORECASE,
)
_RULED_OUT = re.compile(
    r"\b(?:no|not|non|without|instead of|rather than|except|avoid)[\s-]+(?:(?:any|for|in|on|using|with)\s+)*$",
    re.IGNORECASE,
)


def unsupported_with(programs: Collection[str]) -> tuple[Unsupported, ...]:
    """What cannot be built where these `programs` are installed."""
    return tuple(one for one in UNSUPPORTED if not one.needs or not set(one.needs) <= set(programs))


def named_in(text: str, among: Collection[Unsupported] = UNSUPPORTED) -> tuple[Unsupported, ...]:
    """What of `among` is named by `text` (a choice of a stack, e.g. `Spring Boot`), however briefly."""
    certain = (one for one in among if not (one.platform and one.ambiguous))
    return tuple(one for one in certain if any(_wanted(_word(word), text) for word in one.words))


def written_in(paths: Iterable[str], among: Collection[Unsupported] = UNSUPPORTED) -> dict[Unsupported, str]:
    """The languages of `among` that these files are written in, each with its first file."""
    found: dict[Unsupported, str] = {}
    for path in paths:
        for one in among:
            if path.endswith(one.suffixes):
                found.setdefault(one, path)
    return found


def demanded_in(prompt: str, among: Collection[Unsupported] = UNSUPPORTED) -> tuple[Unsupported, ...]:
    """What of `among` a prompt asks to be built.

    `an iOS app`, `a CLI in Rust` are demands. A platform that something else serves (`an API for our Android app`)
    is not, and what is doubtful is left to the master, whose plan is judged by its platforms, stack and files.
    """
    return tuple(one for one in among if any(_demands(prompt, one)))


def mentioned_in(prompt: str, among: Collection[Unsupported] = UNSUPPORTED) -> tuple[Unsupported, ...]:
    """What a prompt speaks of without clearly asking for it: worth a word to the master and in the report."""
    demanded = demanded_in(prompt, among)
    return tuple(one for one in named_in(prompt, among) if one not in demanded and not one.ambiguous)


def _demands(prompt: str, one: Unsupported) -> Iterator[bool]:
    for word in one.words:
        yield not one.platform and _wanted(_written_in(word), prompt)
        yield any(
            _stands_for_language(one, found["word"])
            for found in _product_of(word, one.platform).finditer(prompt)
        )
        yield not one.ambiguous and not _OTHER_SUBJECT.search(prompt) and _wanted(_word(word), prompt)


def _wanted(pattern: re.Pattern[str], text: str) -> bool:
    """Whether `text` has the pattern other than to rule it out (`no JavaScript`, `without React`)."""
    return any(not _RULED_OUT.search(text, 0, found.start()) for found in pattern.finditer(text))


def _stands_for_language(one: Unsupported, word: str) -> bool:
    return one.platform or not one.ambiguous or not word.islower()


@cache
def _word(word: str) -> re.Pattern[str]:
    return re.compile(_bounded(word), re.IGNORECASE)


@cache
def _written_in(word: str) -> re.Pattern[str]:
    """`in Rust`, `using Go`, `with Spring Boot`; but not `with Java servers`, nor `files written in Rust`."""
    other = r"(?<!files )(?<!code )(?<!files written )(?<!code written )(?<!projects written )"
    end = r"(?=\s*(?:[.,;:!?)]|$|\b(?:and|with|that|which|using|for|to)\b))"
    written = r"\b(?:in|using|with)\s+(?:(?:native|pure|plain)\s+)?"
    return re.compile(other + written + _bounded(word) + end, re.IGNORECASE)


@cache
def _product_of(word: str, platform: bool) -> re.Pattern[str]:
    """`an Android app`, `Create a Go service`; but nothing that something else is for: `for our Android app`."""
    verbs = r"build|create|write|make|develop|implement|need|want"
    start = rf"(?:^|[.;:,]\s*|\b(?:and|plus|with|also|{verbs})\s+)(?:me\s+)?(?:an?|the|one|two|native)\s+"
    between = r"(?:[\w-]+\s+){0,2}?"
    name = rf"(?P<word>{_bounded(word)})\s+"
    products = _PLATFORM_PRODUCTS if platform else _PRODUCTS
    return re.compile(rf"{start}{between}{name}{between}(?:{products})\b", re.IGNORECASE)


def _bounded(word: str) -> str:
    return rf"(?<![\w.#+-]){re.escape(word)}(?![\w#+-])"
