"""Java, as far as its text tells: stubs, empty bodies, values inside SQL, tests that check nothing."""

import re
from collections.abc import Iterator

from .finding import Finding
from .project import Project, Source
from .source_text import block_end, code_of, line_of

TEST_FILE = re.compile(r"^(Test\w*|\w+(Tests?|TestCase|IT))\.java$")
TEST_METHOD = re.compile(
    r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b(?:\s*\([^)]*\))?(?P<between>(?:\s*@[\w.]+(?:\s*\([^)]*\))?)*)"
    r"\s*(?:public\s+|protected\s+|private\s+|static\s+|final\s+)*[\w.<>\[\], ]+?\s(?P<name>\w+)\s*\("
)
_STUB = re.compile(r"\bthrow\s+new\s+(?P<name>[\w.]*(?:Exception|Error))\s*\(\s*(?P<said>\")?")
_SAID = re.compile(r"\W*(todo\W+)?not (yet )?implemented\b", re.IGNORECASE)
_EMPTY = re.compile(
    r"\bpublic\s+(?:static\s+|final\s+|synchronized\s+)*void\s+(?P<name>\w+)\s*\(\s*[^)\s][^)]*\)\s*(?:throws [\w., ]+)?(?P<body>\{)\s*\}"
)
_SQL = re.compile(r"\"(?P<sql>[^\"\n]*\b(?:SELECT|INSERT|UPDATE|DELETE)\b[^\"\n]*)\"\s*\+", re.IGNORECASE)
_SQL_VALUE = re.compile(r"(=|<|>|'|\bLIKE|\bVALUES\s*\(|\bIN\s*\()\s*'?\s*\Z", re.IGNORECASE)
_CHECKS = re.compile(
    r"\b(assert\w*|fail|verify\w*|expect\w*|check\w*|should\w*|then\w*|andExpect)\s*\(|\bassert\b|\bthrow\b"
)
_ALWAYS_TRUE = re.compile(
    r"\bassertTrue\s*\(\s*true\s*[,)]|\bassertEquals\s*\(\s*(\d+|true|false)\s*,\s*\1\s*[,)]"
)
_SKIPPED = re.compile(r"@(?:Disabled|Ignore)\b")


def is_test(source: Source) -> bool:
    """Whether a file holds tests, by its name or its folder."""
    return bool(TEST_FILE.match(source.name)) or "/src/test/" in f"/{source.path}"


def check_java(project: Project) -> list[Finding]:
    """What every file of Java gives away."""
    findings: list[Finding] = []
    for source in project.sources.values():
        if source.name.endswith(".java"):
            code = code_of(source.text, rust=False)
            findings += _tests(source, code) if is_test(source) else _product(source, code)
    return findings


def _product(source: Source, code: str) -> Iterator[Finding]:
    for match in _STUB.finditer(code):
        unsupported = match["name"].endswith("UnsupportedOperationException")
        says_so = bool(match["said"]) and bool(_SAID.match(source.text, match.end()))
        if says_so or match["name"].endswith("NotImplementedException"):
            what = match["name"] if unsupported else "an exception that says so"
            message = f"This is not implemented ({what}): write the code that does what it promises."
            yield Finding(source.path, line_of(code, match.start()), "placeholder", message)
    for match in _EMPTY.finditer(code):
        before = code[: match.start()].rstrip().rpartition("\n")[2]
        if not (source.text[match.start("body") + 1 : match.end() - 1].strip() or "@Override" in before):
            message = f"`{match['name']}` has an empty body: write the code that does what it promises."
            yield Finding(source.path, line_of(code, match.start()), "placeholder", message)
    for match in _SQL.finditer(source.text):
        if _SQL_VALUE.search(match["sql"]) and code[match.start()] == '"':
            message = "A value is written into SQL text: use a placeholder and pass the value apart."
            yield Finding(source.path, line_of(code, match.start()), "sql-injection", message)


def _tests(source: Source, code: str) -> Iterator[Finding]:
    for match in TEST_METHOD.finditer(code):
        opened = code.find("{", match.end())
        body = code[opened : block_end(code, opened)] if opened >= 0 else ""
        line = line_of(code, match.start("name"))
        if not _CHECKS.search(body):
            message = f"`{match['name']}` checks nothing: use `assertEquals` or another assertion."
            yield Finding(source.path, line, "no-assertion", message)
        for always in _ALWAYS_TRUE.finditer(body):
            message = f"`{always[0].rstrip(',')}` holds whatever the code does: compare what it returned."
            yield Finding(source.path, line_of(code, opened + always.start()), "assert-true", message)
    for match in _SKIPPED.finditer(code):
        yield Finding(
            source.path,
            line_of(code, match.start()),
            "skipped-test",
            "The test is never run: remove the mark.",
        )
