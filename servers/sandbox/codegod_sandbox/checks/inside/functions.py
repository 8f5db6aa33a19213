"""Looking at functions: which there are, where they stand, what they do."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Placed:
    """A function, the classes around it (outermost first), whether another function is, whether it is for types only."""

    node: Function
    classes: tuple[ast.ClassDef, ...]
    nested: bool
    typing_only: bool

    @property
    def name(self) -> str:
        """Dotted name within the file."""
        return ".".join([*(each.name for each in self.classes), self.node.name])


def placed_functions(tree: ast.AST) -> Iterator[Placed]:
    """Every function below `tree`, from the top of the file to its end."""
    waiting: list[tuple[ast.AST, tuple[ast.ClassDef, ...], bool, bool]] = [(tree, (), False, False)]
    while waiting:
        node, classes, nested, typing = waiting.pop()
        if isinstance(node, ast.expr):
            # No function has its place in an expression.
            continue
        if isinstance(node, Function):
            yield Placed(node, classes, nested, typing)
            nested = True
        typing = typing or (isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING")
        inside = (*classes, node) if isinstance(node, ast.ClassDef) else classes
        waiting.extend(
            (child, inside, nested, typing) for child in reversed(list(ast.iter_child_nodes(node)))
        )


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Every node of a function's body that is not inside another function or class of its own."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def body_of(function: Function) -> list[ast.stmt]:
    """The statements without the docstring."""
    first = function.body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return function.body[1:]
    return function.body


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a name or attribute (of a call: of what is called, of a subscript: of what it is of), else ''."""
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def last_name(node: ast.AST) -> str:
    """The last part of `dotted`."""
    return dotted(node).rpartition(".")[2]


def decorators(node: Function | ast.ClassDef) -> list[str]:
    """Dotted names of what decorates it."""
    return [dotted(each) for each in node.decorator_list]
