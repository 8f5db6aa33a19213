"""What a module promises to others, and whether a worker kept it.

A contract's stub fixes the public names of a file, their parameters and their annotations; other tasks are written
against them at the same time. Adding is free: names, methods, optional parameters, decorators.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from codegod_kit.plan import Task
from codegod_orchestrator.contract import CONTRACT_REF
from codegod_orchestrator.contract_files import is_test_file
from codegod_orchestrator.revisions import text_at
from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

STAGE: Final = "signatures"

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_IMPORTED: Final = "imported name"

# Decorators that change how something is called. All others (a cache, a registration) are the worker's own affair.
_CALLED_BY: Final = frozenset(
    {"property", "cached_property", "staticmethod", "classmethod", "contextmanager", "asynccontextmanager"}
)
# Older names for the same types, and where they are written with a module before them.
_SAME: Final = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "AbstractSet": "set",
}


async def drifted(desk: Desk, task: Task, commit: str, contract: str = CONTRACT_REF) -> tuple[Finding, ...]:
    """What `commit` changed in the public names that the stubs of `task` in `contract` fix."""
    found: list[Finding] = []
    for path in task.files:
        if not path.endswith(".py") or is_test_file(path):
            continue
        stub = await text_at(desk, contract, path)
        if stub is not None:
            found += drift(stub, await text_at(desk, commit, path) or "", path)
    return tuple(found)


def drift(stub: str, text: str, path: str) -> tuple[Finding, ...]:
    """The public names, parameters and annotations of `stub` that the file `text` has lost or changed.

    Nothing for a text that is no Python: the checks name that better.
    """
    try:
        promised, kept = _surface(stub), _surface(text)
    except SyntaxError:
        return ()
    return tuple(
        Finding(stage=STAGE, path=path, line=line, rule="signature-drift", message=message)
        for line, message in _changes(promised, kept)
    )


@dataclass(frozen=True, slots=True)
class _Name:
    """One public name: how it is declared, in words that can be compared and shown."""

    kind: str
    shown: str  # the declaration as its author wrote it
    line: int
    parts: Mapping[str, str] = field(default_factory=dict)  # what may not change, by its name in a message
    parameters: tuple[_Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    passed: str  # "positional", "any", "*", "keyword", "**"
    annotation: str
    optional: bool


def _changes(promised: Mapping[str, _Name], kept: Mapping[str, _Name]) -> Iterator[tuple[int, str]]:
    for name, stub in promised.items():
        owner = name.rpartition(".")[0]
        now = kept.get(name)
        if stub.kind == _IMPORTED or (now and now.kind == _IMPORTED):
            continue  # what comes from elsewhere is looked at there
        if now is None:
            if (
                owner not in promised or owner in kept
            ):  # of a lost class, its members need no line of their own
                yield 0, f"`{name}` is gone: others use it. Declare it as in the stub: `{stub.shown}`"
        elif now.kind != stub.kind:
            yield (
                now.line,
                f"`{name}` was a {stub.kind} and is a {now.kind} now: keep it as in the stub: `{stub.shown}`",
            )
        elif reason := _difference(stub, now):
            yield now.line, f"`{name}`: {reason}. Keep the stub's declaration: `{stub.shown}`"


def _difference(stub: _Name, now: _Name) -> str:
    """The first thing in which a declaration differs from the stub's."""
    for what, value in stub.parts.items():
        if now.parts.get(what, "") != value:
            return f"its {what} was `{value or 'none'}` and is `{now.parts.get(what) or 'none'}`"
    return _parameter_difference(stub.parameters, now.parameters)


def _parameter_difference(stub: Sequence[_Parameter], now: Sequence[_Parameter]) -> str:
    by_name = {each.name: each for each in now}
    for parameter in stub:
        found = by_name.get(parameter.name)
        if found is None:
            return f"its parameter `{parameter.name}` is gone"
        if found.passed != parameter.passed:
            return f"its parameter `{parameter.name}` can no longer be passed as before"
        if parameter.annotation and found.annotation != parameter.annotation:
            return (
                f"its parameter `{parameter.name}` was `{parameter.annotation}` and is "
                f"`{found.annotation or 'without a type'}`"
            )
        if parameter.optional and not found.optional:
            return f"its parameter `{parameter.name}` has lost its default"
    return _order_difference(stub, now)


def _order_difference(stub: Sequence[_Parameter], now: Sequence[_Parameter]) -> str:
    """Callers pass the stub's parameters by place, and know of no others."""
    wanted = [each.name for each in stub if each.passed in {"positional", "any"}]
    placed = [each.name for each in now if each.passed in {"positional", "any"}]
    if placed[: len(wanted)] != wanted:
        return "its parameters stand in another order"
    names = {each.name for each in stub}
    for parameter in now:
        if parameter.name not in names and not parameter.optional and parameter.passed not in {"*", "**"}:
            return f"its new parameter `{parameter.name}` has no default"
    return ""


def _surface(text: str) -> dict[str, _Name]:
    """The public names of a module and of its public classes."""
    return dict(_names(ast.parse(text).body, ""))


def _names(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, _Name]]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(statement.name, bool(prefix)):
                yield prefix + statement.name, _function(statement)
            case ast.ClassDef() if _is_public(statement.name, False):
                yield prefix + statement.name, _class(statement)
                yield from _names(statement.body, f"{prefix}{statement.name}.")
            case ast.AnnAssign(target=ast.Name(id=name)) if _is_public(name, bool(prefix)):
                parts = {"type": _type(statement.annotation)}
                yield prefix + name, _Name("value", ast.unparse(statement), statement.lineno, parts)
            case ast.Assign():
                for target in statement.targets:
                    if isinstance(target, ast.Name) and _is_public(target.id, bool(prefix)):
                        yield prefix + target.id, _Name("value", ast.unparse(statement), statement.lineno)
            case ast.Import() | ast.ImportFrom():
                for alias in statement.names:
                    name = alias.asname or alias.name
                    yield prefix + name, _Name(_IMPORTED, name, statement.lineno)
            case ast.If() | ast.Try():
                yield from _names(statement.body, prefix)
                yield from _names(statement.orelse, prefix)
            case _:
                pass


def _is_public(name: str, in_class: bool) -> bool:
    return not name.startswith("_") or (in_class and name.startswith("__") and name.endswith("__"))


def _function(node: _Function) -> _Name:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    parts = {"way of being called": " ".join(sorted(_decorators(node) & _CALLED_BY))}
    if node.returns:
        parts["return type"] = _type(node.returns)
    return _Name(
        kind=f"{word.removesuffix(' def').removesuffix('def')} function".strip(),
        shown=f"{word} {node.name}({ast.unparse(node.args)}){returns}",
        line=node.lineno,
        parts=parts,
        parameters=tuple(_parameters(node.args)),
    )


def _class(node: ast.ClassDef) -> _Name:
    bases = [_type(base) for base in node.bases]
    dataclass_like = next((each for each in node.decorator_list if _last(each) == "dataclass"), None)
    parts = {f"base `{base}`": base for base in bases}
    parts["dataclass decorator"] = "" if dataclass_like is None else ast.unparse(dataclass_like)
    listed = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    return _Name("class", f"class {node.name}{listed}", node.lineno, parts)


def _parameters(arguments: ast.arguments) -> Iterator[_Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    for place, argument in enumerate(positional):
        passed = "positional" if place < len(arguments.posonlyargs) else "any"
        yield _parameter(argument, passed, place >= without_default)
    if arguments.vararg:
        yield _parameter(arguments.vararg, "*", True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, "keyword", default is not None)
    if arguments.kwarg:
        yield _parameter(arguments.kwarg, "**", True)


def _parameter(argument: ast.arg, passed: str, optional: bool) -> _Parameter:
    return _Parameter(argument.arg, passed, _type(argument.annotation), optional)


def _decorators(node: _Function | ast.ClassDef) -> set[str]:
    return {_last(each) for each in node.decorator_list}


def _last(expression: ast.expr) -> str:
    """The last part of a name, without what is called or subscripted around it."""
    while isinstance(expression, ast.Call):
        expression = expression.func
    return expression.attr if isinstance(expression, ast.Attribute) else getattr(expression, "id", "")


def _type(annotation: ast.expr | None) -> str:
    """An annotation in one spelling: `Optional[List[int]]`, `"list[int] | None"` and `None | list[int]` are the same."""
    match annotation:
        case None:
            return ""
        case ast.Constant(value=None):
            return "None"
        case ast.Constant(value=str() as quoted):
            try:
                return _type(ast.parse(quoted, mode="eval").body)
            except SyntaxError:
                return quoted
        case ast.BinOp(op=ast.BitOr()):
            return _union(annotation)
        case ast.Subscript(value=value) if _last(value) in {"Optional", "Union"}:
            return _union(annotation)
        case ast.Subscript(value=value, slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            name = _SAME.get(_last(value), _last(value))
            told = map(ast.unparse, parts) if name == "Literal" else map(_type, parts)
            return f"{name}[{', '.join(told)}]"
        case ast.Name() | ast.Attribute():
            return _SAME.get(_last(annotation), _last(annotation))
        case ast.List(elts=elements):
            return f"[{', '.join(map(_type, elements))}]"
        case _:
            return ast.unparse(annotation)


def _union(annotation: ast.expr) -> str:
    parts = set(_alternatives(annotation))
    return " | ".join([*sorted(parts - {"None"}), *(["None"] if "None" in parts else [])])


def _alternatives(annotation: ast.expr) -> Iterator[str]:
    """The types that a union is one of, in whatever way it is written."""
    match annotation:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _alternatives(left)
            yield from _alternatives(right)
        case ast.Subscript(value=value, slice=inner) if _last(value) in {"Optional", "Union"}:
            for part in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _alternatives(part)
            if _last(value) == "Optional":
                yield "None"
        case _:
            yield _type(annotation)
