"""JavaScript and TypeScript, as far as their text tells: silenced errors, tests that shut out the others."""

import re

from .finding import Finding
from .project import Project

_KINDS = (".js", ".jsx", ".mjs", ".ts", ".tsx")
_SILENCED = re.compile(r"^\s*//\s*@ts-(ignore|nocheck)\b")
_ONLY = re.compile(r"^\s*(it|test|describe)\.(only|skip|todo)\s*\(")
_TEST_NAME = re.compile(r"\.(test|spec)\.[jt]sx?$|\.(test|spec)\.mjs$")
_TEST_CASE = re.compile(r"^\s*(it|test)(\.only|\.each)?\s*[(`]", re.MULTILINE)
_CHECK = re.compile(r"\b(expect|assert(\.\w+)?|t\.(is|deepEqual|equal|throws|ok))\s*[.(]")


def check_scripts(project: Project) -> list[Finding]:
    """What their text gives away; nothing here parses or runs them."""
    findings = []
    for source in project.sources.values():
        if not source.name.endswith(_KINDS):
            continue
        for number, line in enumerate(source.lines, start=1):
            if found := _SILENCED.match(line):
                message = f"`@ts-{found[1]}` hides a type error: mend the error and remove the comment."
                findings.append(Finding(source.path, number, "silenced-type", message))
            elif found := _ONLY.match(line):
                message = f"`{found[1]}.{found[2]}` keeps tests from running: write `{found[1]}(`."
                findings.append(Finding(source.path, number, "skipped-test", message))
        if (
            _TEST_NAME.search(source.name)
            and _TEST_CASE.search(source.text)
            and not _CHECK.search(source.text)
        ):
            message = "No test in this file checks anything: use `expect`."
            findings.append(Finding(source.path, 1, "no-assertion", message))
    return findings
