"""Finished Python with every body taken out: what tests of existing code have to see. Pure.

What runs when the modules are imported keeps its body, or no test would get as far as to fail.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Final

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_MARKER: Final = ast.parse("raise NotImplementedError").body
# Called without being named, when a class is made or an object of it.
_CALLED_WITH_CLASS: Final = frozenset(
    {"__init__", "__new__", "__post_init__", "__set_name__", "__init_subclass__", "__class_getitem__"}
)


def emptied(sources: Mapping[str, str]) -> dict[str, str]:
    """Those of `sources` (Python by path) that change, with bodies that only raise NotImplementedError."""
    trees = {path: tree for path, text in sources.items() if (tree := _parsed(text)) is not None}
    kept = _needed_at_import(trees.values())
    found: dict[str, str] = {}
    for path, tree in trees.items():
        emptier = _Emptier(kept)
        changed = emptier.visit(tree)
        if emptier.count:
            found[path] = ast.unparse(ast.fix_missing_locations(changed)) + "\n"
    return found


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


class _Emptier(ast.NodeTransformer):
    def __init__(self, kept: Collection[str]) -> None:
        self._kept = kept
        self.count = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._empty(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._empty(node)

    def _empty(self, node: _Function) -> ast.AST:
        if node.name in self._kept:
            return node
        self.count += 1
        generates = [ast.Expr(ast.Yield())] if _generates(node) else []
        node.body = [*_MARKER, *generates]
        return node


def _generates(node: _Function) -> bool:
    """Whether calling it gives a generator: that must stay so, or what uses it breaks in another way."""
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own_nodes(node.body))


def _own_nodes(body: Collection[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body without those of functions inside it."""
    for node in body:
        yield node
        if not isinstance(node, _Function | ast.Lambda):
            yield from _own_nodes(list(ast.iter_child_nodes(node)))


def _needed_at_import(trees: Collection[ast.Module]) -> frozenset[str]:
    """The names of the functions that may run while the modules are imported; rather too many than too few."""
    bodies: dict[str, list[_Function]] = {}
    needed: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, _Function):
                bodies.setdefault(node.name, []).append(node)
        needed |= _names(_outside_functions(tree))
    made = {name for tree in trees for name in _classes_made(tree, needed)}
    waiting = [*(needed & bodies.keys()), *(_CALLED_WITH_CLASS & bodies.keys() if made else ())]
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += [one for body in bodies[name] for one in _names(ast.walk(body)) if one in bodies]
    return frozenset(kept)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: statements of modules and classes, decorators, defaults."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            for part in (*child.decorator_list, *child.args.defaults, *filter(None, child.args.kw_defaults)):
                yield from ast.walk(part)
        elif isinstance(child, ast.If) and _is_main(child.test):
            continue
        else:
            yield child
            yield from _outside_functions(child)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _names(nodes: Iterator[ast.AST]) -> set[str]:
    """What the nodes call, or hand on to be called."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def _classes_made(tree: ast.Module, needed: Collection[str]) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name in needed}
