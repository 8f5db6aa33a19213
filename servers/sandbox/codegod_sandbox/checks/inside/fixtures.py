"""Test arguments that no fixture provides."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from .finding import Finding
from .functions import Function, Placed, decorators, dotted, last_name
from .needed import declared_packages
from .project import Project, Source
from .suite_facts import tests_of

# Of pytest itself, and of the plugins that nearly every project has.
_KNOWN = frozenset(
    [
        "cache",
        "capfd",
        "capfdbinary",
        "caplog",
        "capsys",
        "capsysbinary",
        "capteesys",
        "doctest_namespace",
        "monkeypatch",
        "pytestconfig",
        "pytester",
        "record_property",
        "record_testsuite_property",
        "record_xml_attribute",
        "recwarn",
        "request",
        "subtests",
        "testdir",
        "tmp_path",
        "tmp_path_factory",
        "tmpdir",
        "tmpdir_factory",
        "anyio_backend",
        "anyio_backend_name",
        "anyio_backend_options",
        "free_tcp_port",
        "free_tcp_port_factory",
        "free_udp_port",
        "free_udp_port_factory",
        "event_loop",
        "event_loop_policy",
        "unused_tcp_port",
        "unused_tcp_port_factory",
        "unused_udp_port",
        "unused_udp_port_factory",
        "cov",
        "no_cover",
        "worker_id",
        "testrun_uid",
    ]
)
# Other packages may bring fixtures of any name; with one of them only running the tests can tell.
_PLAIN_PACKAGES = frozenset({"pytest", "pytest-asyncio", "pytest-cov", "pytest-timeout", "pytest-xdist"})
_PLUGIN_PACKAGES = (
    "django",
    "faker",
    "playwright",
    "respx",
    "schemathesis",
    "syrupy",
    "testcontainers",
    "aiohttp",
)


def check_fixtures(project: Project) -> list[Finding]:
    """A finding for each test that asks for a fixture which is nowhere."""
    packages = declared_packages(project) or frozenset()
    if any(_brings_fixtures(package) for package in packages):
        return []
    return [
        finding for source in project.parsed if source.is_test for finding in _check_file(project, source)
    ]


def _brings_fixtures(package: str) -> bool:
    if package in _PLAIN_PACKAGES:
        return False
    return package.startswith("pytest-") or package in _PLUGIN_PACKAGES


def _check_file(project: Project, source: Source) -> Iterator[Finding]:
    nearby = [source, *_conftests(project, source.path)]
    if any(each.tree is None or _is_open(each) for each in nearby):
        return
    known = _KNOWN.union(*(_offered(each) for each in nearby))
    for placed in tests_of(source):
        wanted = _wanted(placed)
        unknown = [name for name in wanted if name not in known]
        if unknown:
            message = f"`{placed.name}` asks for the fixture `{unknown[0]}`, which does not exist: define it or drop it."
            yield Finding(source.path, placed.node.lineno, "unknown-fixture", message)


def _conftests(project: Project, path: str) -> list[Source]:
    places = [str(parent / "conftest.py") for parent in PurePosixPath(path).parents]
    return [project.sources[place] for place in places if place in project.sources]


def _is_open(source: Source) -> bool:
    """Whether fixtures may come from where we do not look."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Assign) and any(
            dotted(target) == "pytest_plugins" for target in node.targets
        ):
            return True
        if isinstance(node, Function) and node.name == "pytest_generate_tests":
            return True
    return False


def _offered(source: Source) -> set[str]:
    """Fixtures that are defined or imported, and names that are made by calling `fixture`."""
    offered: set[str] = set()
    for placed in source.functions:
        if any(name.rpartition(".")[2] == "fixture" for name in decorators(placed.node)):
            offered |= {placed.node.name, *_given_names(placed.node)}
    for node in source.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            offered |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            offered |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return offered


def _given_names(node: Function) -> set[str]:
    return {
        str(keyword.value.value)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }


def _wanted(placed: Placed) -> list[str]:
    """Names of the fixtures that a test asks for; none when its decorators may give it arguments."""
    marks = [
        *placed.node.decorator_list,
        *(each for owner in placed.classes for each in owner.decorator_list),
    ]
    if any("mark" not in dotted(mark).split(".") for mark in marks):
        return []
    if any(base for owner in placed.classes for base in owner.bases):
        return []
    arguments = placed.node.args
    required = len(arguments.args) - len(arguments.defaults)
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args[:required])]
    if placed.classes:
        names = names[1:]
    given: set[str] = set()
    for mark in marks:
        if last_name(mark) == "parametrize":
            listed = _parametrized(mark)
            if listed is None:
                return []
            given |= listed
    return [name for name in names if name not in given]


def _parametrized(mark: ast.expr) -> set[str] | None:
    if not isinstance(mark, ast.Call):
        return None
    first = (
        mark.args[0]
        if mark.args
        else next((each.value for each in mark.keywords if each.arg == "argnames"), None)
    )
    elements = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]
    names: set[str] = set()
    for element in elements:
        if not (isinstance(element, ast.Constant) and isinstance(element.value, str)):
            return None
        names |= {name.strip() for name in element.value.split(",")}
    return names
