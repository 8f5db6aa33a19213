"""What a worker needs to know of a file that it only calls: public signatures and what they promise, not bodies."""

from __future__ import annotations

import ast


def outline(path: str, text: str) -> str:
    """`text` without bodies and private functions, docstrings whole; what is no Python that parses comes as it is."""
    if not path.endswith(".py"):
        return text
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return text
    return ast.unparse(_BodiesOut().visit(tree)) + "\n"


class _BodiesOut(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        node.body = _promise(node)
        return None if _is_private(node.name) else node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef | None:
        node.body = _promise(node)
        return None if _is_private(node.name) else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _promise(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The docstring, or an ellipsis."""
    text = ast.get_docstring(node)
    return [ast.Expr(ast.Constant(text if text is not None else ...))]
