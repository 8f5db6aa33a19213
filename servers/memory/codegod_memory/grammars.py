"""The languages that are cut by their symbols, as data: which nodes of a grammar are what."""

import importlib
from dataclasses import dataclass

from tree_sitter import Language


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language of a tree-sitter wheel."""

    module: str
    factory: str
    functions: frozenset[str]
    """Kept whole."""
    classes: frozenset[str]
    """A piece for the head and one for each definition in the body."""
    blocks: frozenset[str]
    """Statements that may hold definitions among others."""
    wrappers: frozenset[str]
    """What belongs to the one definition inside: its decorators, its `export`."""


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SCRIPT_FUNCTIONS = _set(
    "function_declaration generator_function_declaration method_definition function_expression"
)
_SCRIPT_BLOCKS = _set(
    "program class_body statement_block if_statement else_clause try_statement finally_clause"
)
_SCRIPT_WRAPPERS = _set("export_statement lexical_declaration variable_declaration expression_statement")
_TYPED_FUNCTIONS = _SCRIPT_FUNCTIONS | _set(
    "function_signature interface_declaration type_alias_declaration enum_declaration"
)
_TYPED_CLASSES = _set("class_declaration abstract_class_declaration internal_module module")
_TYPED_WRAPPERS = _SCRIPT_WRAPPERS | {"ambient_declaration"}

_PYTHON = Grammar(
    "tree_sitter_python",
    "language",
    functions=_set("function_definition"),
    classes=_set("class_definition"),
    blocks=_set(
        "module block if_statement elif_clause else_clause try_statement except_clause finally_clause with_statement"
    ),
    wrappers=_set("decorated_definition"),
)
_JAVASCRIPT = Grammar(
    "tree_sitter_javascript",
    "language",
    functions=_SCRIPT_FUNCTIONS,
    classes=_set("class_declaration"),
    blocks=_SCRIPT_BLOCKS,
    wrappers=_SCRIPT_WRAPPERS,
)
_TYPESCRIPT = Grammar(
    "tree_sitter_typescript",
    "language_typescript",
    functions=_TYPED_FUNCTIONS,
    classes=_TYPED_CLASSES,
    blocks=_SCRIPT_BLOCKS,
    wrappers=_TYPED_WRAPPERS,
)
_TSX = Grammar(
    "tree_sitter_typescript",
    "language_tsx",
    functions=_TYPED_FUNCTIONS,
    classes=_TYPED_CLASSES,
    blocks=_SCRIPT_BLOCKS,
    wrappers=_TYPED_WRAPPERS,
)
_GO = Grammar(
    "tree_sitter_go",
    "language",
    functions=_set("function_declaration method_declaration type_spec type_alias"),
    classes=_set(""),
    blocks=_set("source_file"),
    wrappers=_set("type_declaration"),
)

GRAMMARS = {
    ".py": _PYTHON,
    ".pyi": _PYTHON,
    ".js": _JAVASCRIPT,
    ".jsx": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".cjs": _JAVASCRIPT,
    ".ts": _TYPESCRIPT,
    ".mts": _TYPESCRIPT,
    ".cts": _TYPESCRIPT,
    ".tsx": _TSX,
    ".go": _GO,
}
# `const f = () => …`, `module.exports.f = function …`, `f = () => …` in a class: the name stands beside the function.
NAMED_VALUES = {
    "variable_declarator": ("name", "value"),
    "assignment_expression": ("left", "right"),
    "field_definition": ("property", "value"),
    "public_field_definition": ("name", "value"),
}
FUNCTION_VALUES = _set("arrow_function function_expression generator_function")
# Stand before a definition and belong to it.
LEADING = _set("comment decorator")


def load(grammar: Grammar) -> Language:
    """The compiled grammar, from its wheel."""
    return Language(getattr(importlib.import_module(grammar.module), grammar.factory)())
