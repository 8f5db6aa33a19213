"""What a Python module promises to others: its public names, their parameters and annotations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from codegod_orchestrator.surfaces.surface import IMPORTED, Name, Parameter

_Function = ast.FunctionDef | ast.AsyncFunctionDef

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


def surface(text: str) -> dict[str, Name]:
    """The public names of a module and of its public classes; raises `SyntaxError` for a text that is no Python."""
    return dict(_names(ast.parse(text).body, ""))


def _names(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, Name]]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(statement.name, bool(prefix)):
                yield prefix + statement.name, _function(statement)
            case ast.ClassDef() if _is_public(statement.name, False):
                yield prefix + statement.name, _class(statement)
                yield from _names(statement.body, f"{prefix}{statement.name}.")
            case ast.AnnAssign(target=ast.Name(id=name)) if _is_public(name, bool(prefix)):
                parts = {"type": _type(statement.annotation)}
                yield prefix + name, Name("value", ast.unparse(statement), statement.lineno, parts)
            case ast.Assign():
                for target in statement.targets:
                    if isinstance(target, ast.Name) and _is_public(target.id, bool(prefix)):
                        yield prefix + target.id, Name("value", ast.unparse(statement), statement.lineno)
            case ast.Import() | ast.ImportFrom():
                for alias in statement.names:
                    name = alias.asname or alias.name
                    yield prefix + name, Name(IMPORTED, name, statement.lineno)
            case ast.If() | ast.Try():
                yield from _names(statement.body, prefix)
                yield from _names(statement.orelse, prefix)
            case _:
                pass


def _is_public(name: str, in_class: bool) -> bool:
    return not name.startswith("_") or (in_class and name.startswith("__") and name.endswith("__"))


def _function(node: _Function) -> Name:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    parts = {"way of being called": " ".join(sorted(_decorators(node) & _CALLED_BY))}
    if node.returns:
        parts["return type"] = _type(node.returns)
    return Name(
        kind=f"{word.removesuffix(' def').removesuffix('def')} function".strip(),
        shown=f"{word} {node.name}({ast.unparse(node.args)}){returns}",
        line=node.lineno,
        parts=parts,
        parameters=tuple(_parameters(node.args)),
    )


def _class(node: ast.ClassDef) -> Name:
    bases = [_type(base) for base in node.bases]
    dataclass_like = next((each for each in node.decorator_list if _last(each) == "dataclass"), None)
    parts = {f"base `{base}`": base for base in bases}
    parts["dataclass decorator"] = "" if dataclass_like is None else ast.unparse(dataclass_like)
    listed = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    return Name("class", f"class {node.name}{listed}", node.lineno, parts)


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
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


def _parameter(argument: ast.arg, passed: str, optional: bool) -> Parameter:
    return Parameter(argument.arg, passed, _type(argument.annotation), optional)


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
