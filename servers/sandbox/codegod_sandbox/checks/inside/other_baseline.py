"""What a change did to tests of JavaScript, TypeScript and Go that were there before, as their text tells."""

import re

from .finding import Finding
from .project import Project

_SCRIPT = re.compile(r"\.(test|spec)\.([cm]?[jt]s|[jt]sx)$")
_SCRIPT_TEST = re.compile(r"\b(?:it|test)(?:\.\w+)*\(\s*([\"'`])((?:\\.|(?!\1).)+)\1")
_SCRIPT_CHECK = re.compile(r"\b(?:expect\w*|assert)(?:\.\w+)?\(")
_GO_TEST = re.compile(r"^func ()(Test\w+)\(", re.MULTILINE)
_GO_CHECK = re.compile(r"\b\w+\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require)\.\w+\(")


def check_other_baseline(project: Project, before: dict[str, str]) -> list[Finding]:
    """Tests of `before` (path to text) that are gone, and files that check less than they did."""
    findings = []
    for path, old in before.items():
        named, checked = (_GO_TEST, _GO_CHECK) if path.endswith("_test.go") else (_SCRIPT_TEST, _SCRIPT_CHECK)
        if not (path.endswith("_test.go") or _SCRIPT.search(path)):
            continue
        source = project.sources.get(path)
        now = source.text if source is not None else ""
        gone = _names(named, old) - _names(named, now)
        if gone:
            told = ", ".join(f"`{name}`" for name in sorted(gone)[:3])
            message = f"Tests are gone: {told}. Put them back, and make them pass by changing the code."
            findings.append(Finding(path, 0, "deleted-test", message))
        elif len(checked.findall(now)) < len(checked.findall(old)):
            message = "The tests of this file check less than before: put the checks back and change the code instead."
            findings.append(Finding(path, 0, "weakened-test", message))
    return findings


def _names(pattern: re.Pattern[str], text: str) -> set[str]:
    return {match[1] for match in pattern.findall(text)}
