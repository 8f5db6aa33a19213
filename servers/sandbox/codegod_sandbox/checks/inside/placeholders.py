"""Code that is not there: empty bodies, and comments in its place."""

import ast
import io
import re
import tokenize
from contextlib import suppress

from .finding import Finding
from .functions import Placed, body_of, decorators, last_name
from .project import Project, Source

_ABSTRACT_BASES = frozenset({"Protocol", "ABC", "ABCMeta", "NodeVisitor"})
_DECLARING = frozenset({"abstractmethod", "abstractproperty", "overload"})
_THINGS = r"(code|file|class|methods?|functions?|imports?|routes?|endpoints?|fields|logic|tests?|module|implementation)"
_KEPT = r"(here|goes here|remains?|remains? (the same|unchanged|as is)|stays?|stays the same|as before|unchanged|omitted)"
_ELISIONS = (
    # "rest of the code", "... rest of the code remains unchanged ...": the whole comment, not a sentence that goes on
    rf"^\W*(the )?(rest|remainder) of (the |your |this |my )?(\w+ )?{_THINGS}( is| are)?( {_KEPT})?\W*$",
    # "existing code here", "other methods unchanged", "previous imports ..."
    rf"^\W*(the )?(existing|previous|other|remaining|original) (\w+ )?{_THINGS} ({_KEPT}\W*|\.\.\.)$",
    r"^\W*(\.\.\.|…)\s*(existing|previous|other|remaining|rest|more|same|omitted|unchanged|keep)\b",
    rf"\b{_THINGS} (is |are |remains? )?(omitted|unchanged|truncated|elided)( for brevity)?\W*$",
    r"^\W*same as (before|above)\W*$",
    # "your code here", "TODO: implement"
    r"\b(your|add|insert|put|write) (your )?(own )?(code|logic|implementation)( goes)? here\b",
    r"^\W*implementation (goes )?here\b",
    r"\b(TODO|FIXME|XXX)\b[:\s-]*(implement|add (the )?(implementation|logic|code)|finish|complete|fill in)\b",
    r"\b(this is|just) a placeholder\b|\bplaceholder (implementation|code|function)\b",
)
_ELISION = re.compile("|".join(f"(?:{pattern})" for pattern in _ELISIONS), re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(#|//|/\*|\*|--|<!--)\s?(?P<text>.*)")
_COMMENTED_KINDS = (
    ".css", ".go", ".html", ".java", ".js", ".jsx", ".kt", ".rs", ".sh", ".sql", ".swift", ".toml", ".ts", ".tsx",
    ".yaml", ".yml",
)  # fmt: skip


def check_placeholders(project: Project) -> list[Finding]:
    """Empty bodies in Python, and comments that stand for code in any file."""
    overridden = _overridden(project)
    findings: list[Finding] = []
    for source in project.parsed:
        if not source.name.endswith(".pyi"):
            findings += _bodies(source, overridden)
        findings += [
            finding for line, text in _python_comments(source) if (finding := _elided(source, line, text))
        ]
    for source in project.sources.values():
        if source.name.endswith(_COMMENTED_KINDS) or source.name.startswith("Dockerfile"):
            for number, line in enumerate(source.lines, start=1):
                found = _COMMENT.match(line)
                if found and (finding := _elided(source, number, found["text"])):
                    findings.append(finding)
    return findings


def _overridden(project: Project) -> frozenset[tuple[str, str]]:
    """(class, method) for every method that a subclass somewhere in the project defines."""
    found = set()
    for source in project.parsed:
        for node in source.nodes:
            if isinstance(node, ast.ClassDef):
                methods = [
                    each.name
                    for each in node.body
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                found |= {(last_name(base), method) for base in node.bases for method in methods}
    return frozenset(found)


def _bodies(source: Source, overridden: frozenset[tuple[str, str]]) -> list[Finding]:
    findings = []
    for placed in source.functions:
        kind = _empty_kind(placed)
        if (
            kind
            and not _is_declaration(placed, overridden)
            and not (kind == "pass" and _may_do_nothing(source, placed))
        ):
            what = {
                "stub": "raises NotImplementedError",
                "pass": "has an empty body",
                "...": "has `...` as its body",
            }
            message = f"`{placed.name}` {what[kind]}: write the code that does what it promises."
            findings.append(Finding(source.path, placed.node.lineno, "placeholder", message))
    return findings


def _empty_kind(placed: Placed) -> str:
    """How the body does nothing: '' when it does something."""
    body = body_of(placed.node)
    if not body or all(isinstance(each, ast.Pass) for each in body):
        return "pass"
    if len(body) > 1:
        return ""
    only = body[0]
    if isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant) and only.value.value is ...:
        return "..."
    if isinstance(only, ast.Raise) and only.exc is not None and last_name(only.exc) == "NotImplementedError":
        return "stub"
    return ""


def _is_declaration(placed: Placed, overridden: frozenset[tuple[str, str]]) -> bool:
    """Whether the body is meant to be somewhere else: abstract, overloaded, of a protocol, or overridden."""
    if placed.around.typing_only or not _DECLARING.isdisjoint(
        name.rpartition(".")[2] for name in decorators(placed.node)
    ):
        return True
    if not placed.classes:
        return False
    owner = placed.classes[-1]
    bases = {last_name(base) for base in owner.bases} | {last_name(each.value) for each in owner.keywords}
    return bool(bases & _ABSTRACT_BASES) or (owner.name, placed.node.name) in overridden


def _may_do_nothing(source: Source, placed: Placed) -> bool:
    """An override that silences its base class, a hook, a callback; test doubles do nothing for a living."""
    node = placed.node
    if source.is_test_code or node.name.startswith("_") or placed.around.nested or decorators(node):
        return True
    return bool(placed.classes and placed.classes[-1].bases)


def _elided(source: Source, line: int, comment: str) -> Finding | None:
    if not _ELISION.search(comment):
        return None
    message = f"The comment `{comment.strip()[:60]}` stands where code belongs: write the file out in full."
    return Finding(source.path, line, "elision", message)


def _python_comments(source: Source) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    tokens = tokenize.generate_tokens(io.StringIO(source.text).readline)
    # It parses, so all that a broken end of the tokens can cost is the last comments.
    with suppress(tokenize.TokenError, SyntaxError):
        found.extend(
            (each.start[0], each.string.lstrip("#")) for each in tokens if each.type == tokenize.COMMENT
        )
    return found
