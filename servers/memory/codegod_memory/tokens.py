"""Words as a search for code sees them, and a careful guess at how many tokens a model makes of a text."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Longer "words" are hashes and encoded blobs: nobody searches for them, and they would swell the index.
WORD_CHARS = 64
# Distinct words keep coming back within a project; this many cover a large one.
_CACHED_WORDS = 65_536

_ENDINGS = ("ing", "ed", "e")
# What is left of a word must still tell it from others.
_STEM_CHARS = 3


def code_words(text: str) -> list[str]:
    """The words of `text` in order: the stemmed parts of every identifier, and the whole one when it has several."""
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return [word for found in _WORD.findall(composed) for word in _words_of(found)]


@lru_cache(maxsize=_CACHED_WORDS)
def _words_of(identifier: str) -> tuple[str, ...]:
    if len(identifier) > WORD_CHARS:
        return ()
    parts = [part.lower() for part in _parts(identifier)]
    stems = tuple(_stem(part) for part in parts)
    return (*stems, "".join(parts)) if len(parts) > 1 else stems


def _parts(identifier: str) -> list[str]:
    """`HTTPServer_v2` in its parts; other alphabets have no camel case worth a rule, only underscores part them."""
    return (
        _PART.findall(identifier)
        if identifier.isascii()
        else [part for part in identifier.split("_") if part]
    )


def _stem(word: str) -> str:
    """One spelling for `parse`, `parses`, `parsed` and `parsing`. It need be no word, only always the same."""
    single = _singular(word)
    for ending in _ENDINGS:
        stem = single.removesuffix(ending)
        if stem != single and len(stem) >= _STEM_CHARS:
            return _undouble(stem)
    return single


def _singular(word: str) -> str:
    if len(word) <= _STEM_CHARS or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


def _undouble(stem: str) -> str:
    """`runn` of `running` is `run`; `add`, `call` and `pass` keep theirs."""
    doubled = len(stem) > _STEM_CHARS and stem[-1] == stem[-2] and stem[-1] not in "aeiouls"
    return stem[:-1] if doubled else stem


# A byte-pair vocabulary holds most four-letter parts of words, gives digits and signs a token each, takes one blank
# into the word that follows and makes one token of a run of blanks.
_PIECE = re.compile(r"[A-Za-z]{1,4}|[^\S\n]{2,64}|\n|[^\sA-Za-z]")


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` has, on the high side: no vocabulary is at hand, so this is a count of likely pieces."""
    bytes_beyond_ascii = len(text.encode("utf-8", "surrogatepass")) - len(text)
    return sum(1 for _ in _PIECE.finditer(text)) + bytes_beyond_ascii
