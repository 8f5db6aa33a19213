"""Rust, as far as its text tells: stubs, empty bodies, values inside SQL, tests that check nothing."""

import re
from collections.abc import Iterator

from .finding import Finding
from .project import Project
from .rust_source import RustFile, RustFunction

_STUB = re.compile(r"\b(todo|unimplemented)!\s*[(\[{]")
_PANIC = re.compile(r"\bpanic!\s*[(\[{]\s*\"")
_SAID = re.compile(r"\W*not (yet )?implemented\b", re.IGNORECASE)
_SQL = re.compile(r"\bformat!\s*\(\s*r?#*\"(?P<sql>[^\"]*)\"")
_SQL_WORD = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_SQL_VALUE = re.compile(r"(=|<|>|\bLIKE|\bVALUES\s*\(|\bIN\s*\()\s*'?%?\{", re.IGNORECASE)
# Any but the receiver.
_PARAMETER = re.compile(r"[(,]\s*(?!&?\s*('\w+\s+)?(mut\s+)?self\b)(mut\s+)?\w+\s*:")
# An unwrapped result is a check as well: the test ends on an error.
_CHECKS = re.compile(
    r"\b(assert\w*|debug_assert\w*|panic|unreachable|prop_assert\w*)!|\.(unwrap|expect)\w*\(|\?\s*[;)\n]"
    r"|\b(assert|check|expect|verify|must)\w*\("
)
_ALWAYS_TRUE = re.compile(
    r"\bassert!\s*\(\s*true\s*[,)]|\bassert_eq!\s*\(\s*(\d+|true|false)\s*,\s*\1\s*[,)]"
)


def check_rust(project: Project) -> list[Finding]:
    """What every file of Rust gives away."""
    findings: list[Finding] = []
    for source in project.sources.values():
        if source.name.endswith(".rs"):
            file = RustFile(source.path, source.text)
            findings += [*_stubs(file), *_empty(file), *_sql(file), *_tests(file)]
    return findings


def _stubs(file: RustFile) -> Iterator[Finding]:
    found = [(match.start(), f"`{match[1]}!`") for match in _STUB.finditer(file.code)]
    found += [
        (match.start(), "a panic that says so")
        for match in _PANIC.finditer(file.code)
        if _SAID.match(file.text, match.end())
    ]
    for place, what in sorted(found):
        if not file.in_test(place):
            message = f"This is not implemented ({what}): write the code that does what it promises."
            yield Finding(file.path, file.line(place), "placeholder", message)


def _empty(file: RustFile) -> Iterator[Finding]:
    """A public function that takes something, gives nothing back and does nothing."""
    for each in file.functions:
        if each.body < 0 or each.is_test or each.in_test_module or file.is_test_file:
            continue
        public = re.search(
            r"\bpub(\s*\([^)]*\))?\s+(async\s+|const\s+|unsafe\s+)*fn\s+\Z", file.code[: each.start]
        )
        head = file.code[each.start : each.body]
        takes = _PARAMETER.search(head)
        if public and takes and "->" not in head and not file.text[each.body + 1 : each.end - 1].strip():
            message = f"`{each.name}` has an empty body: write the code that does what it promises."
            yield Finding(file.path, file.line(each.start), "placeholder", message)


def _sql(file: RustFile) -> Iterator[Finding]:
    for match in _SQL.finditer(file.text):
        if (
            _SQL_WORD.search(match["sql"])
            and _SQL_VALUE.search(match["sql"])
            and not file.in_test(match.start())
        ):
            message = "A value is written into SQL text: use a placeholder and pass the value apart."
            yield Finding(file.path, file.line(match.start()), "sql-injection", message)


def _tests(file: RustFile) -> Iterator[Finding]:
    for each in file.tests:
        body = file.code[each.body : each.end]
        line = file.line(each.start)
        if any(attribute.startswith("ignore") for attribute in each.attributes):
            yield Finding(file.path, line, "skipped-test", f"`{each.name}` is never run: remove `#[ignore]`.")
        if not (_CHECKS.search(body) or _panics(each)):
            yield Finding(
                file.path,
                line,
                "no-assertion",
                f"`{each.name}` checks nothing: use `assert_eq!` or `assert!`.",
            )
        for match in _ALWAYS_TRUE.finditer(file.code, each.body, each.end):
            message = f"`{match[0].rstrip(',')}` holds whatever the code does: compare what it returned."
            yield Finding(file.path, file.line(match.start()), "assert-true", message)


def _panics(test: RustFunction) -> bool:
    return any(attribute.startswith("should_panic") for attribute in test.attributes)
