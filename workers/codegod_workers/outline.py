"""What a worker needs to know of a file that it only calls: signatures, not bodies."""

from __future__ import annotations

import ast


def outline(path: str, text: str) -> str:
    """`text` with the bodies of its Python functions left out; any other file, or one that does not parse, whole."""
    if not path.endswith(".py"):
        return text
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return text
    return ast.unparse(_BodiesOut().visit(tree)) + "\n"


class _BodiesOut(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = _summary(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        node.body = _summary(node)
        return node


def _summary(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The docstring's first line, or an ellipsis."""
    text = ast.get_docstring(node)
    first = text.strip().splitlines()[0] if text and text.strip() else None
    return [ast.Expr(ast.Constant(first if first is not None else ...))]
