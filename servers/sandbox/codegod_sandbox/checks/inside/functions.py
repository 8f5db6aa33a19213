"""Looking at functions: which there are, where they stand, what they do."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Around:
    """What stands around a place in the file: classes (outermost first), another function, a condition."""

    classes: tuple[ast.ClassDef, ...] = ()
    nested: bool = False
    conditional: bool = False
    typing_only: bool = False

    def within(self, node: ast.AST) -> "Around":
        """What stands around the children of `node`."""
        if isinstance(node, Function):
            return replace(self, nested=True)
        if isinstance(node, ast.ClassDef):
            return replace(self, classes=(*self.classes, node))
        if isinstance(node, ast.If | ast.Try | ast.For | ast.While | ast.Match):
            typing = isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING"
            return replace(self, conditional=True, typing_only=self.typing_only or typing)
        return self


@dataclass(frozen=True)
class Placed:
    """A function and what stands around it."""

    node: Function
    around: Around

    @property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """The classes that it is a method of, outermost first."""
        return self.around.classes

    @property
    def name(self) -> str:
        """Dotted name within the file."""
        return ".".join([*(each.name for each in self.classes), self.node.name])


def placed_functions(tree: ast.AST) -> Iterator[Placed]:
    """Every function below `tree`, from the top of the file to its end."""
    waiting = [(tree, Around())]
    while waiting:
        node, around = waiting.pop()
        # No function has its place in an expression.
        if isinstance(node, ast.expr):
            continue
        if isinstance(node, Function):
            yield Placed(node, around)
        inside = around.within(node)
        waiting.extend((child, inside) for child in reversed(list(ast.iter_child_nodes(node))))


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
