"""A model that repeats itself: functions with one body, and one line over and over."""

import ast

from .finding import Finding
from .functions import body_of
from .project import Project, Source

# Two functions of this many statements in one file do not become equal by chance.
_LONG_BODY = 5
# Nor three of this many.
_SHORT_BODY = 3
_SAME_LINES = 15
_LINE_CHARS = 8


def check_repetition(project: Project) -> list[Finding]:
    """Functions that repeat another's body, and runs of one line."""
    findings = []
    for source in project.parsed:
        if not source.is_test_code:
            findings += _same_bodies(source)
        findings += _same_lines(source)
    return findings


def _same_bodies(source: Source) -> list[Finding]:
    bodies: dict[str, list[tuple[str, int, int]]] = {}
    for placed in source.functions:
        body = body_of(placed.node)
        statements = sum(isinstance(node, ast.stmt) for each in body for node in ast.walk(each))
        if statements >= _SHORT_BODY and not placed.node.name.startswith("__"):
            key = "".join(ast.dump(each) for each in body)
            bodies.setdefault(key, []).append((placed.name, placed.node.lineno, statements))
    findings = []
    for same in bodies.values():
        first, *others = same
        # Methods of one name in several classes are one interface; that is a matter of taste.
        others = [other for other in others if other[0].rpartition(".")[2] != first[0].rpartition(".")[2]]
        if others and (first[2] >= _LONG_BODY or len(others) > 1):
            names = ", ".join(f"`{name}`" for name, _, _ in others)
            message = f"{names} repeat the body of `{first[0]}`: give each its own, or keep one function."
            findings.append(Finding(source.path, others[0][1], "repeated-body", message))
    return findings


def _same_lines(source: Source) -> list[Finding]:
    last, run = "", 0
    for number, line in enumerate(source.lines, start=1):
        text = line.strip()
        run = run + 1 if text == last else 1
        last = text
        if run == _SAME_LINES and len(text) >= _LINE_CHARS and any(letter.isalpha() for letter in text):
            message = f"The line `{text[:60]}` is repeated {run} times or more: remove the repetition."
            return [Finding(source.path, number, "repeated-line", message)]
    return []
