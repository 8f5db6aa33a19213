"""Imports that nothing provides: neither the project, nor Python, nor a declared or installed package."""

import ast
import re
import tomllib
from collections.abc import Iterator

from .finding import Finding
from .functions import last_name
from .project import Project, Source, standard_modules

# Packages whose import name is not their own, for the time before they are installed.
_IMPORT_NAMES = {
    "argon2-cffi": "argon2", "attrs": "attr", "beautifulsoup4": "bs4", "email-validator": "email_validator",
    "flask-sqlalchemy": "flask_sqlalchemy", "gitpython": "git", "grpcio": "grpc", "mysqlclient": "MySQLdb",
    "opencv-python": "cv2", "pillow": "PIL", "protobuf": "google", "psycopg2-binary": "psycopg2", "pycryptodome": "Crypto",
    "pyjwt": "jwt", "pymongo": "bson", "pymysql": "pymysql", "pyopenssl": "OpenSSL", "pyserial": "serial",
    "python-dateutil": "dateutil", "python-docx": "docx", "python-dotenv": "dotenv", "python-jose": "jose",
    "python-multipart": "multipart", "python-slugify": "slugify", "pyyaml": "yaml", "pyzmq": "zmq",
    "scikit-learn": "sklearn", "setuptools": "pkg_resources", "websocket-client": "websocket",
}  # fmt: skip
# Always in the environments that `env_prepare` makes.
_ALWAYS = frozenset({"pytest", "_pytest", "pytest_timeout", "pip", "setuptools"})
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def check_needed(project: Project, installed: frozenset[str] | None) -> list[Finding]:
    """A finding for each package that is imported and cannot be; none when there is nothing to judge by.

    `installed` are the top-level names of the prepared environment, None when there is none.
    """
    declared = declared_names(project)
    if declared is None and installed is None:
        return []
    known = (
        standard_modules()
        | project.top_level
        | _ALWAYS
        | (installed or frozenset())
        | (declared or frozenset())
    )
    findings = []
    for source in project.parsed:
        seen: set[str] = set()
        for name, line in _imported(source):
            if name not in known and name not in seen:
                seen.add(name)
                message = (
                    f"`{name}` is neither installed nor declared. If there is such a package, declare it; "
                    "if not, write the code without it."
                )
                findings.append(Finding(source.path, line, "unknown-package", message))
    return findings


def declared_names(project: Project) -> frozenset[str] | None:
    """Import names that the declared requirements may have; None when the project declares nothing anywhere."""
    packages = declared_packages(project)
    if packages is None:
        return None
    names: set[str] = set()
    for package in packages:
        plain = package.replace("-", "_")
        names |= {
            _IMPORT_NAMES.get(package, plain),
            plain,
            plain.removeprefix("python_"),
            package.split("-")[0],
        }
    return frozenset(names)


def declared_packages(project: Project) -> frozenset[str] | None:
    """Normalised names of the declared requirements; None when the project has no manifest that can be read."""
    requirements = _requirements(project)
    if requirements is None:
        return None
    names = (_NAME.match(requirement) for requirement in requirements)
    return frozenset(re.sub(r"[-_.]+", "-", found[1]).lower() for found in names if found)


def _requirements(project: Project) -> list[str] | None:
    found: list[str] = []
    manifests = False
    for path, source in project.sources.items():
        if path == "pyproject.toml":
            manifests = True
            try:
                found += _of_pyproject(tomllib.loads(source.text))
            except (tomllib.TOMLDecodeError, RecursionError):
                return None
        elif "/" not in path and path.startswith("requirements") and path.endswith(".txt"):
            manifests = True
            found += [
                line for line in source.lines if line.strip() and not line.lstrip().startswith(("#", "-"))
            ]
    return found if manifests else None


def _of_pyproject(document: dict[str, object]) -> list[str]:
    project = document.get("project")
    table: dict[str, object] = project if isinstance(project, dict) else {}
    lists = [table.get("dependencies")]
    for groups in (table.get("optional-dependencies"), document.get("dependency-groups")):
        lists += list(groups.values()) if isinstance(groups, dict) else []
    return [each for listed in lists if isinstance(listed, list) for each in listed if isinstance(each, str)]


def _imported(source: Source) -> Iterator[tuple[str, int]]:
    """Top-level names of absolute imports that must work; what is guarded against ImportError need not."""
    waiting: list[ast.AST] = [] if source.tree is None else [source.tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], node.lineno
        elif isinstance(node, ast.Try) and _expects_missing(node):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        else:
            waiting += list(ast.iter_child_nodes(node))


def _expects_missing(node: ast.Try) -> bool:
    caught = {last_name(each) for handler in node.handlers for each in _types(handler)}
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})


def _types(handler: ast.ExceptHandler) -> list[ast.expr]:
    if handler.type is None:
        return []
    return list(handler.type.elts) if isinstance(handler.type, ast.Tuple) else [handler.type]
