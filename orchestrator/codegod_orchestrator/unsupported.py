"""What cannot be built yet, by name: platforms, languages and frameworks, and where a prompt asks for one."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

SUPPORTED = "Python backends, web APIs and command-line tools"

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


UNSUPPORTED: tuple[Unsupported, ...] = (
    Unsupported("iOS", ("ios", "iphone", "ipad", "ipados"), platform=True),
    Unsupported("Android", ("android",), platform=True),
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
    Unsupported("TypeScript", ("typescript", "nestjs", "angular", "deno", "bun"), (".ts", ".tsx"), "later"),
    Unsupported(
        "JavaScript",
        ("javascript", "node.js", "nodejs", "node", "express", "react", "next.js", "nextjs", "vue", "svelte"),
        (".jsx", ".mjs", ".vue", ".svelte"),
        "later",
        ambiguous=True,
    ),
    Unsupported("Go", ("go", "golang"), (".go",), "later", ambiguous=True),
)

# What a language is written for; and what the rest of a request is about when it merely mentions a platform.
_PRODUCTS = (
    r"apps?|applications?|apis?|backends?|servers?|services?|microservices?|clis?|tools?|programs?|librar(?:y|ies)"
    r"|clients?|games?|frontends?|projects?|widgets?"
)
_SERVING = re.compile(
    r"\b(?:apis?|backends?|servers?|services?|microservices?|webhooks?|endpoints?|clis?)\b", re.IGNORECASE
)


def named_in(text: str) -> tuple[Unsupported, ...]:
    """What `text` (a choice of a stack, e.g. `Spring Boot`) names, however briefly."""
    return tuple(one for one in UNSUPPORTED if any(_word(word).search(text) for word in one.words))


def written_in(paths: Iterable[str]) -> dict[Unsupported, str]:
    """The languages that these files are written in, each with its first file."""
    found: dict[Unsupported, str] = {}
    for path in paths:
        for one in UNSUPPORTED:
            if path.endswith(one.suffixes):
                found.setdefault(one, path)
    return found


def demanded_in(prompt: str) -> tuple[Unsupported, ...]:
    """What a prompt asks to be built.

    `an iOS app`, `a CLI in Rust` are demands. A platform that something else serves (`an API for our Android app`)
    is not, and what is doubtful is left to the master, whose plan is judged by its platforms, stack and files.
    """
    return tuple(one for one in UNSUPPORTED if any(_demands(prompt, one)))


def mentioned_in(prompt: str) -> tuple[Unsupported, ...]:
    """What a prompt speaks of without clearly asking for it: worth a word to the master and in the report."""
    demanded = demanded_in(prompt)
    return tuple(one for one in named_in(prompt) if one not in demanded and not one.ambiguous)


def _demands(prompt: str, one: Unsupported) -> Iterator[bool]:
    for word in one.words:
        yield not one.platform and bool(_written_in(word).search(prompt))
        yield any(_stands_for_language(one, found["word"]) for found in _product_of(word).finditer(prompt))
        yield not one.ambiguous and not _SERVING.search(prompt) and bool(_word(word).search(prompt))


def _stands_for_language(one: Unsupported, word: str) -> bool:
    return not one.ambiguous or not word.islower()


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
def _product_of(word: str) -> re.Pattern[str]:
    """`an Android app`, `Create a Go service`; but nothing that something else is for: `for our Android app`."""
    verbs = r"build|create|write|make|develop|implement|need|want"
    start = rf"(?:^|[.;:,]\s*|\b(?:and|plus|with|also|{verbs})\s+)(?:me\s+)?(?:an?|the|one|two|native)\s+"
    between = r"(?:[\w-]+\s+){0,2}?"
    name = rf"(?P<word>{_bounded(word)})\s+"
    return re.compile(rf"{start}{between}{name}{between}(?:{_PRODUCTS})\b", re.IGNORECASE)


def _bounded(word: str) -> str:
    return rf"(?<![\w.#+-]){re.escape(word)}(?![\w#+-])"
