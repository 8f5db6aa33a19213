"""Does every file parse as what it is called? And was it left as it came out of a chat?"""

import json
import re
import tomllib
import warnings

from .finding import Finding
from .project import Project, Source, parse
from .yaml_files import check_yaml

_FENCE = re.compile(r"\s{0,3}(```|~~~)[\w+./: -]*$")
# A sentence to the reader: a capital, words, and an end as sentences have it.
_PROSE = re.compile(r"(Here|Sure|Certainly|Below|This|The|I|Note|Okay|Of course)\b[^=(){}\[\]#]*[:.!]?\s*$")
_FENCED_KINDS = (
    ".css", ".go", ".html", ".ini", ".java", ".js", ".json", ".jsx", ".kt", ".mjs", ".py", ".pyi", ".rs", ".sh", ".sql",
    ".swift", ".toml", ".ts", ".tsx", ".yaml", ".yml",
)  # fmt: skip
# Their readers allow comments.
_WITH_COMMENTS = ("tsconfig", "jsconfig", "devcontainer", ".eslintrc")
_MAY_BE_EMPTY = ("__init__.py", "py.typed", ".gitkeep", ".keep", ".nojekyll", ".dockerignore", ".gitignore")


def check_syntax(project: Project) -> list[Finding]:
    """A finding for each file that does not parse; only the first error of a file is worth reading."""
    findings = []
    for source in project.sources.values():
        finding = _left_over(source) or _parsed(source)
        if finding is not None:
            findings.append(finding)
    return findings


def _left_over(source: Source) -> Finding | None:
    """Fences and sentences around the content, which no parser explains well."""
    if source.is_python and source.tree is not None:
        return None
    if source.name.endswith(_FENCED_KINDS) or source.name.startswith("Dockerfile"):
        for number, line in enumerate(source.lines, start=1):
            if _FENCE.match(line) and not _inside_template(source, number):
                message = f"Line {number} is a Markdown fence ({line.strip()}). The file must hold its own content only."
                return Finding(source.path, number, "markdown-fence", message)
    first = next((number for number, line in enumerate(source.lines, start=1) if line.strip()), 0)
    if first and source.is_python and _PROSE.match(source.lines[first - 1]):
        message = f"Line {first} is a sentence, not Python: remove all text that is not code."
        return Finding(source.path, first, "prose", message)
    return None


def _inside_template(source: Source, number: int) -> bool:
    """JavaScript's template literals may hold a fence of their own, after other code and before more."""
    if not source.name.endswith((".js", ".jsx", ".mjs", ".ts", ".tsx")):
        return False
    before = "\n".join(source.lines[: number - 1]).replace("```", "")
    return before.count("`") % 2 == 1


def _parsed(source: Source) -> Finding | None:
    if not source.content.strip():
        if source.name in _MAY_BE_EMPTY or not source.name.endswith((*_FENCED_KINDS, ".md")):
            return None
        return Finding(source.path, 1, "empty-file", "The file is empty: write its content, or leave it out.")
    if source.is_python:
        return _python(source)
    if source.name.endswith(".json") and not source.name.startswith(_WITH_COMMENTS):
        return _json(source)
    if source.name.endswith(".toml"):
        return _toml(source)
    if source.name.endswith((".yaml", ".yml")):
        return check_yaml(source)
    return None


def _python(source: Source) -> Finding | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parse(source.content, source.path), source.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        text = (error.text or "").strip()[:80]
        return Finding(source.path, line, "syntax", f"{error.msg}: `{text}`" if text else error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return Finding(
            source.path, 1, "syntax", f"Python cannot read the file: {error or type(error).__name__}"
        )
    return None


def _json(source: Source) -> Finding | None:
    try:
        json.loads(source.content)
    except json.JSONDecodeError as error:
        text = source.lines[min(error.lineno, len(source.lines)) - 1].strip()[:80]
        return Finding(source.path, error.lineno, "syntax", f"No valid JSON: {error.msg}: `{text}`")
    except (UnicodeDecodeError, RecursionError) as error:
        return Finding(source.path, 1, "syntax", f"No valid JSON: {error}")
    return None


def _toml(source: Source) -> Finding | None:
    try:
        tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else 1
        text = source.lines[min(line, len(source.lines)) - 1].strip()[:80]
        return Finding(source.path, line, "syntax", f"No valid TOML: {error}: `{text}`")
    except RecursionError:
        return Finding(source.path, 1, "syntax", "No valid TOML: it is nested too deeply")
    return None
