"""Code that meddles with the tests instead of passing them."""

import ast
from collections.abc import Iterator

from .finding import Finding
from .functions import Function, dotted
from .project import Project, Source

# Hooks by which a conftest can change what runs and what is reported.
_HOOKS = frozenset(
    {
        "pytest_cmdline_main", "pytest_cmdline_parse", "pytest_collection", "pytest_ignore_collect",
        "pytest_load_initial_conftests", "pytest_make_collect_report", "pytest_pyfunc_call", "pytest_report_teststatus",
        "pytest_runtest_call", "pytest_runtest_logreport", "pytest_runtest_makereport", "pytest_runtest_protocol",
        "pytest_runtestloop", "pytest_sessionfinish",
    }
)  # fmt: skip
_HIDING = frozenset({"collect_ignore", "collect_ignore_glob"})
# Read by the interpreter or by pytest before anything else.
_SHADOWS = frozenset({"_pytest", "pluggy", "pytest", "sitecustomize", "usercustomize"})
_ENDS_PROCESS = frozenset({"os._exit", "os.abort"})


def check_tampering(project: Project, before: dict[str, str]) -> list[Finding]:
    """What could make a test pass, vanish or go unreported without doing what it asks.

    A file that stands in `before` just so was there already, and is not this change's doing.
    """
    findings: list[Finding] = []
    for source in project.parsed:
        if before.get(source.path) != source.text:
            findings += _shadows(source)
            findings += _code(source)
    findings += [
        Finding(path, 1, "tampering", "A .pth file runs code at every start of Python: leave it out.")
        for path in project.sources
        if path.endswith(".pth")
    ]
    return findings


def _shadows(source: Source) -> Iterator[Finding]:
    parts = source.path.removesuffix(".py").split("/")
    shadowed = _SHADOWS.intersection(parts)
    if shadowed:
        message = (
            f"`{sorted(shadowed)[0]}` is what runs the tests, not a name for project code: rename the file."
        )
        yield Finding(source.path, 1, "tampering", message)


def _code(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        problem = _imports(source, node) or _ends_process(node) or _conftest(source, node) or _patches(node)
        if problem:
            yield Finding(source.path, getattr(node, "lineno", 1), "tampering", problem)


def _imports(source: Source, node: ast.AST) -> str:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        names = [node.module]
    tops = {name.split(".")[0] for name in names}
    if "_pytest" in tops:
        return "`_pytest` is the inside of the test runner: use `pytest` only."
    if "pytest" in tops and not source.is_test_code:
        return "Only tests import `pytest`: write this code so that it does not know whether it is tested."
    return ""


def _ends_process(node: ast.AST) -> str:
    name = dotted(node.func) if isinstance(node, ast.Call) else ""
    if name in _ENDS_PROCESS:
        return f"`{name}` ends the process and hides what the tests would say: raise an exception instead."
    return ""


def _conftest(source: Source, node: ast.AST) -> str:
    if not source.is_test_code:
        return ""
    if isinstance(node, Function) and node.name in _HOOKS:
        return f"The hook `{node.name}` changes what the tests run or report: remove it."
    if isinstance(node, ast.Assign) and any(dotted(target) in _HIDING for target in node.targets):
        return f"`{dotted(node.targets[0])}` hides tests: remove it."
    return ""


def _patches(node: ast.AST) -> str:
    """Assignments to `pytest.x`, and to the modules that run tests."""
    if not isinstance(node, ast.Assign | ast.AugAssign):
        return ""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        name = dotted(target)
        if name.startswith(("pytest.", "_pytest.")) and isinstance(target, ast.Attribute):
            return f"`{name}` belongs to the test runner: do not change it."
        if (
            name == "sys.modules"
            and isinstance(target, ast.Subscript)
            and "pytest" in ast.unparse(target.slice)
        ):
            return "The test runner's modules are not to be replaced."
    return ""
