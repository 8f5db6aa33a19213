"""From a typed stub to a module that does nothing and says nothing: what a contract's tests have to see through.

A test that passes on such a module would pass a worker's empty answer. Pure: text in, text out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Final, Literal, get_args

NullKind = Literal["none", "default"]
NULL_KINDS: Final[tuple[NullKind, ...]] = get_args(NullKind)

MARKER: Final = "NotImplementedError"

_Function = ast.FunctionDef | ast.AsyncFunctionDef

# The empty value of each type that an annotation may name, by the last part of its name.
_EMPTY: Final = {
    "int": "0",
    "float": "0.0",
    "complex": "0j",
    "bool": "False",
    "str": "''",
    "LiteralString": "''",
    "bytes": "b''",
    "list": "[]",
    "List": "[]",
    "MutableSequence": "[]",
    "dict": "{}",
    "Dict": "{}",
    "Mapping": "{}",
    "MutableMapping": "{}",
    "set": "set()",
    "Set": "set()",
    "MutableSet": "set()",
    "frozenset": "frozenset()",
    "FrozenSet": "frozenset()",
    "AbstractSet": "frozenset()",
    "tuple": "()",
    "Tuple": "()",
    "Sequence": "()",
    "Collection": "()",
    "Iterable": "()",
    "Iterator": "iter(())",
    "Generator": "iter(())",
    "object": "object()",
}
_ITERATED: Final = frozenset(
    {"Iterator", "Generator", "Iterable", "AsyncIterator", "AsyncGenerator", "AsyncIterable"}
)
_CONTEXTS: Final = frozenset({"contextmanager", "asynccontextmanager"})


def nulled(text: str, kind: NullKind) -> str:
    """The stub module `text` with every unfinished body giving back None, or the empty value of its declared type.

    Only bodies that raise `NotImplementedError` are unfinished; data classes, constants and finished functions stay
    as they are. Raises `SyntaxError` for a text that is no Python.
    """
    tree = ast.parse(text)
    bodies = _Nulled(kind)
    tree = bodies.visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n" if bodies.changed else text


def is_unfinished(function: _Function) -> bool:
    """Whether all that this function does is to say that it is not implemented."""
    return any(_raises_marker(statement) for statement in function.body)


class _Nulled(ast.NodeTransformer):
    def __init__(self, kind: NullKind) -> None:
        self.kind = kind
        self.changed = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._emptied(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._emptied(node)

    def _emptied(self, node: _Function) -> ast.AST:
        if not is_unfinished(node):
            return self.generic_visit(node)
        self.changed = True
        docstring = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
        node.body = [*docstring, *ast.parse("\n".join(self._lines(node))).body]
        return node

    def _lines(self, node: _Function) -> Sequence[str]:
        """What stands in place of the marker."""
        if _decorated(node, _CONTEXTS):
            return (f"yield {self._value(_yielded(node.returns))}",)
        if any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node)) or (
            isinstance(node, ast.AsyncFunctionDef) and _named(node.returns) in _ITERATED
        ):
            return ("return", "yield")  # a generator without an element
        if node.name == "__init__":
            return ("return None",)
        return (f"return {self._value(node.returns, owner=_first_parameter(node))}",)

    def _value(self, annotation: ast.expr | None, owner: str = "") -> str:
        return "None" if self.kind == "none" else _default(annotation, owner)


def _raises_marker(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise):
        return False
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == MARKER


def _default(annotation: ast.expr | None, owner: str = "") -> str:
    """The empty value of an annotation, as an expression; None for what has none that anybody could make."""
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _first_of((annotation.left, annotation.right), owner)
    name = _named(annotation)
    if isinstance(annotation, ast.Subscript):
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if special := _SPECIAL.get(name):
            return special(parts)
    if name == "Self" and owner:
        return owner
    return _EMPTY.get(name, "None")


def _first_of(parts: Sequence[ast.expr], owner: str = "") -> str:
    """The value of the first of several alternatives that has one: None is what the other kind of body gives."""
    values = (_default(part, owner) for part in parts)
    return next((value for value in values if value != "None"), "None")


def _of_tuple(parts: Sequence[ast.expr]) -> str:
    if any(isinstance(part, ast.Constant) and part.value is Ellipsis for part in parts):
        return "()"
    return f"({', '.join(_default(part) for part in parts)},)"


_SPECIAL: Final[dict[str, Callable[[Sequence[ast.expr]], str]]] = {
    "Optional": _first_of,
    "Union": _first_of,
    "Literal": lambda parts: ast.unparse(parts[0]),
    "Annotated": lambda parts: _default(parts[0]),
    "Final": lambda parts: _default(parts[0]),
    "tuple": _of_tuple,
    "Tuple": _of_tuple,
}


def _unquoted(annotation: ast.expr | None) -> ast.expr | None:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return None
    return annotation


def _named(annotation: ast.expr | None) -> str:
    """The last part of an annotation's name, without its parameters."""
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.Subscript):
        return _named(annotation.value)
    if isinstance(annotation, ast.Attribute):
        return annotation.attr
    return annotation.id if isinstance(annotation, ast.Name) else ""


def _yielded(annotation: ast.expr | None) -> ast.expr | None:
    """What a generator's annotation says that it gives."""
    annotation = _unquoted(annotation)
    if not isinstance(annotation, ast.Subscript):
        return None
    return annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice


def _decorated(node: _Function, names: frozenset[str]) -> bool:
    return any(_named(one.func if isinstance(one, ast.Call) else one) in names for one in node.decorator_list)


def _first_parameter(node: _Function) -> str:
    parameters = [*node.args.posonlyargs, *node.args.args]
    return parameters[0].arg if parameters else ""
