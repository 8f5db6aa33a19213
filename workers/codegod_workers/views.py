"""How much of each file of other people a task is shown, by the type of the task."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Final

from codegod_kit.plan import TaskType
from codegod_workers.languages import is_code, is_test
from codegod_workers.material import View, Views

SHORT_LINES = 60  # a file of this length is told faster whole than by its signatures
ENTRY_LINES = 120  # of what starts the application every line may hold an option, a port or a route

_ENTRIES: Final = frozenset({"__main__", "main", "app", "cli", "server", "index"})
_SETTINGS: Final = frozenset({"settings", "config", "configuration", "environment", "env"})
_ROUTES: Final = frozenset(
    {"routes", "router", "routing", "api", "handlers", "views", "endpoints", "urls", "commands"}
)
# Tests from outside say how the application is used; those of one module say how it is made.
_FROM_OUTSIDE: Final = re.compile(
    r"e2e|end_?to_?end|acceptance|integration|journey|page|server|route|command|api|cli|main|app"
)
# Nobody installs, runs or uses an application by these.
_NO_MATTER: Final = re.compile(
    r"(?:^|/)(?:tsconfig[^/]*\.json|[^/]*\.css|[^/]*\block\b[^/]*|go\.sum|\.(?!env)[^/]*|py\.typed)$"
)
_NOT_DEPLOYED_BY: Final = re.compile(rf"{_NO_MATTER.pattern}|\.(?:html|sql|md|svg)$")


def views_of(task_type: TaskType, paths: Collection[str], less: Mapping[str, View]) -> tuple[Views, ...]:
    """The ways to show other people's files at `paths`, the fullest first; a prompt that does not fit takes the next.

    `less` is how files are shown that this task can do without.
    """
    if task_type == "devops":
        return (_for_devops, _settings_only)
    if task_type == "documentation":
        # Of a library that nothing calls from outside, its signatures and their tests are what users have.
        first = _used_from_outside if any(map(_is_from_outside, paths)) else _used_by_import
        return (first, _with_routes, _what_starts_it, _settings_only)
    return (_less(less, _short_whole), _less(less, _signatures), _nothing)


def _less(less: Mapping[str, View], views: Views) -> Views:
    return lambda path, text: less[path] if path in less else views(path, text)


def _short_whole(path: str, text: str) -> View:
    return "whole" if not is_code(path) or text.count("\n") <= SHORT_LINES else "signatures"


def _signatures(path: str, text: str) -> View:
    return "signatures"


def _nothing(path: str, text: str) -> View:
    return "nothing"


def _for_devops(path: str, text: str) -> View:
    """Manifests and container files whole, what starts the application and its settings, names of everything else."""
    if not is_code(path):
        return "name" if _NOT_DEPLOYED_BY.search(path) else "whole"
    return _short_whole(path, text) if _starts(path) else "name"


def _settings_only(path: str, text: str) -> View:
    return "name" if is_code(path) or _NOT_DEPLOYED_BY.search(path) else "whole"


def _used_by_import(path: str, text: str) -> View:
    """Tests whole, for they are the examples, and all signatures."""
    return "whole" if is_test(path) else _from_outside(path, text) or "signatures"


def _used_from_outside(path: str, text: str) -> View:
    """Tests from outside whole: they hold the commands, requests and outputs that a reader needs."""
    if is_test(path):
        return "whole" if _is_from_outside(path) else "name"
    return _with_routes(path, text)


def _with_routes(path: str, text: str) -> View:
    """Of the modules those alone that say what can be asked for; no tests."""
    routes = PurePosixPath(path).stem in _ROUTES and not is_test(path)
    return "signatures" if routes else _what_starts_it(path, text)


def _what_starts_it(path: str, text: str) -> View:
    return "name" if is_test(path) else _from_outside(path, text) or "name"


def _from_outside(path: str, text: str) -> View | None:
    """How a file is shown that users and operators have to do with; None for all others."""
    if not is_code(path):
        return "name" if _NO_MATTER.search(path) else "whole"
    if not _starts(path):
        return None
    return "whole" if text.count("\n") <= ENTRY_LINES else "signatures"


def _is_from_outside(path: str) -> bool:
    return is_test(path) and _FROM_OUTSIDE.search(PurePosixPath(path).stem) is not None


def _starts(path: str) -> bool:
    return PurePosixPath(path).stem in _ENTRIES | _SETTINGS and not is_test(path)
