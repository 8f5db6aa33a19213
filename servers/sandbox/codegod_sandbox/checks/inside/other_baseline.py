"""What a change did to tests of languages besides Python that were there before, as their text tells."""

import re

from .finding import Finding
from .java_rules import TEST_METHOD
from .project import Project
from .rust_source import RustFile
from .source_text import code_of

_SCRIPT = re.compile(r"\.(test|spec)\.([cm]?[jt]s|[jt]sx)$")
_SCRIPT_TEST = re.compile(r"\b(?:it|test)(?:\.\w+)*\(\s*([\"'`])((?:\\.|(?!\1).)+)\1")
_SCRIPT_CHECK = re.compile(r"\b(?:expect\w*|assert)(?:\.\w+)?\(")
_GO_TEST = re.compile(r"^func ()(Test\w+)\(", re.MULTILINE)
_GO_CHECK = re.compile(r"\b\w+\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require)\.\w+\(")
_RUST_CHECK = re.compile(r"\b(?:debug_)?assert\w*!|\bpanic!|\.(?:unwrap|expect)\w*\(")
_JAVA_CHECK = re.compile(r"\b(?:assert\w*|fail|verify\w*)\s*\(|\bassert\b")


def check_other_baseline(project: Project, before: dict[str, str]) -> list[Finding]:
    """Tests of `before` (path to text) that are gone, and files that check less than they did."""
    findings = []
    for path, old in before.items():
        source = project.sources.get(path)
        now = source.text if source is not None else ""
        names_before, checked, before_text = _seen(path, old)
        names_now, _, now_text = _seen(path, now)
        if checked is None:
            continue
        gone = names_before - names_now
        if gone:
            told = ", ".join(f"`{name}`" for name in sorted(gone)[:3])
            message = f"Tests are gone: {told}. Put them back, and make them pass by changing the code."
            findings.append(Finding(path, 0, "deleted-test", message))
        elif len(checked.findall(now_text)) < len(checked.findall(before_text)):
            message = "The tests of this file check less than before: put the checks back and change the code instead."
            findings.append(Finding(path, 0, "weakened-test", message))
    return findings


def _seen(path: str, text: str) -> tuple[set[str], re.Pattern[str] | None, str]:
    """Names of the tests in a file, what a check looks like there, and the text that holds the checks."""
    if path.endswith("_test.go"):
        return _names(_GO_TEST, text), _GO_CHECK, text
    if path.endswith(".rs"):
        file = RustFile(path, text)
        bodies = "\n".join(file.code[each.start : each.end] for each in file.tests)
        return {each.title for each in file.tests}, _RUST_CHECK, bodies
    if path.endswith(".java"):
        code = code_of(text, rust=False)
        return {match["name"] for match in TEST_METHOD.finditer(code)}, _JAVA_CHECK, code
    if _SCRIPT.search(path):
        return _names(_SCRIPT_TEST, text), _SCRIPT_CHECK, text
    return set(), None, text


def _names(pattern: re.Pattern[str], text: str) -> set[str]:
    return {match[1] for match in pattern.findall(text)}
