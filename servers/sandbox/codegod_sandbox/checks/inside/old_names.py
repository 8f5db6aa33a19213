"""Ways of a library's last major version that its present one has dropped or ignores without a word."""

import ast
import re
from collections.abc import Iterator

from .finding import Finding
from .functions import last_name
from .project import Project, Source

_RENAMED_IMPORTS = {"validator": "field_validator", "root_validator": "model_validator"}
# A `class Config` with one of these does nothing any more.
_RENAMED_SETTINGS = {
    "orm_mode": "from_attributes", "schema_extra": "json_schema_extra", "anystr_strip_whitespace": "str_strip_whitespace",
    "allow_population_by_field_name": "validate_by_name", "allow_mutation": "frozen", "validate_all": "validate_default",
    "min_anystr_length": "str_min_length", "max_anystr_length": "str_max_length",
}  # fmt: skip
_FIRST_VERSION = re.compile(r"pydantic\S*\s*(<\s*2|==\s*1|~=\s*1|<=\s*1)")


def check_old_names(project: Project, installed: frozenset[str] | None) -> list[Finding]:
    """pydantic as it was before version 2, in a project that has version 2."""
    if installed is not None and "pydantic_core" not in installed:
        return []
    manifests = " ".join(
        source.text
        for path, source in project.sources.items()
        if path in ("pyproject.toml", "requirements.txt")
    )
    if _FIRST_VERSION.search(manifests):
        return []
    return [finding for source in project.parsed for finding in _check_file(source)]


def _check_file(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "pydantic":
            for alias in node.names:
                if new := _RENAMED_IMPORTS.get(alias.name):
                    message = f"`{alias.name}` is of pydantic 1: use `{new}` with `@classmethod`, as pydantic 2 does."
                    yield Finding(source.path, node.lineno, "old-name", message)
        elif isinstance(node, ast.ClassDef) and any(last_name(base) == "BaseModel" for base in node.bases):
            yield from _settings(source, node)


def _settings(source: Source, model: ast.ClassDef) -> Iterator[Finding]:
    for inner in model.body:
        if not isinstance(inner, ast.ClassDef) or inner.name != "Config":
            continue
        for each in inner.body:
            if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                old = each.targets[0].id
                if new := _RENAMED_SETTINGS.get(old):
                    message = f"`{old}` is of pydantic 1 and does nothing: write `model_config = ConfigDict({new}=…)`."
                    yield Finding(source.path, each.lineno, "old-name", message)
