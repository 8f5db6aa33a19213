"""Secrets in files, and tokens that nobody checks."""

import ast
import re
from collections.abc import Iterator

from .finding import Finding
from .project import Project, Source

_SECRETS = (
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"\bsk[-_](live|ant|proj|test)[-_][A-Za-z0-9_-]{16,}"), "an API key"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"), "a GitHub token"),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"), "a Slack token"),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"), "a Google API key"),
    (re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----"), "a private key"),
)
# `password: "hunter2-Pr0d!"`: a name that keeps something, and a value that somebody chose. Python has rules of its own.
_CHOSEN = re.compile(
    r"""(?ix) \b [\w-]* (?:password|passwd|secret(?:[_-]?key)?|api[_-]?key|access[_-]?key|auth[_-]?token) ["']? \s*
    (?: :=? | = | :\s*string\s*= ) \s* (?P<quote>["'`]?) (?P<value>[^\s"'`<>{}$()]{8,}) (?P=quote) \s* [,;]? \s* (?:\#.*|//.*)? $"""
)
_CHOSEN_KINDS = (
    ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".go", ".rs", ".java", ".swift", ".yaml", ".yml", ".env", ".ini",
    ".properties",
)  # fmt: skip
_NEEDS_QUOTES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".go", ".rs", ".java", ".swift")
_SAMPLE = re.compile(r"change|example|your|placeholder|dummy|sample|test|dev|local|xxx|\*\*\*", re.IGNORECASE)
_EXAMPLES = re.compile(r"EXAMPLE$|X{6,}|0{8,}|\.\.\.", re.IGNORECASE)


def check_exposure(project: Project) -> list[Finding]:
    """Secrets in every file, unverified tokens in Python."""
    findings: list[Finding] = []
    for source in project.sources.values():
        findings += _secrets(source)
        if not source.is_test_code:
            findings += _unverified(source)
    return findings


def _secrets(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        if len(line) > 2000:
            continue
        for pattern, what in _SECRETS:
            found = pattern.search(line)
            if found and not _EXAMPLES.search(found[0]):
                message = (
                    f"This is {what}: read it from the environment instead, and never write it into a file."
                )
                # What a test holds up to the code that looks for secrets is none.
                yield Finding(source.path, number, "secret", message, advice=source.is_test_code)
                break
        else:
            if finding := _chosen(source, number, line):
                yield finding


def _chosen(source: Source, number: int, line: str) -> Finding | None:
    """A password in a language that has no linter for it here."""
    if (
        not source.name.endswith(_CHOSEN_KINDS)
        or source.is_test_code
        or ".test." in source.name
        or ".spec." in source.name
    ):
        return None
    found = _CHOSEN.search(line)
    if found is None or (source.name.endswith(_NEEDS_QUOTES) and not found["quote"]):
        return None
    value = found["value"]
    mixed = any(each.isdigit() for each in value) and any(each.isalpha() for each in value)
    if not mixed or _SAMPLE.search(value) or _EXAMPLES.search(value) or value.startswith(("/", "http")):
        return None
    message = (
        "This is a password or key: read it from the environment instead, and never write it into a file."
    )
    return Finding(source.path, number, "secret", message)


def _unverified(source: Source) -> Iterator[Finding]:
    """`jwt.decode(..., options={"verify_signature": False})` takes any token for a good one."""
    for node in source.nodes:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                named = isinstance(key, ast.Constant) and key.value == "verify_signature"
                if named and isinstance(value, ast.Constant) and value.value is False:
                    message = "The token's signature is not verified, so anybody can make one: verify it."
                    yield Finding(source.path, node.lineno, "unverified-token", message)
