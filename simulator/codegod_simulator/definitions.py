"""What the modules of a project define, and where a name that one of them uses comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from codegod_simulator.stubs import FunctionNode, functions

Definition = FunctionNode | ast.ClassDef


@dataclass(slots=True)
class Module:
    """One module. `functions` holds methods too, by qualified name; the other names are top-level ones."""

    path: str
    tree: ast.Module
    functions: dict[str, FunctionNode] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By local name: the dotted module and the name there, which is empty for a module itself."""
    made_of: dict[str, str] = field(default_factory=dict)
    """By variable: the name that was called to make its value."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for: a definition in `module`, or `module` itself."""

    module: Module
    definition: Definition | None


class Definitions:
    """All modules of one project."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.modules = [_read(path, text) for path, text in sources.items()]
        self._by_name: dict[str, Module] = {}
        for module in self.modules:
            parts = PurePosixPath(module.path).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            for start in range(len(parts)):  # `src/shop/a.py` is imported as shop.a
                self._by_name.setdefault(".".join(parts[start:]), module)

    def of(self, module: Module, expression: ast.expr) -> Found | None:
        """What `expression`, read in `module`, stands for; an instance stands for its class."""
        if isinstance(expression, ast.Name):
            return self._named(module, expression.id)
        if isinstance(expression, ast.Attribute):
            base = self.of(module, expression.value)
            return self._named(base.module, expression.attr) if base and not base.definition else None
        return None

    def _named(self, module: Module, name: str) -> Found | None:
        for _ in range(len(self.modules) + 1):  # imports may go in a circle
            name = module.made_of.get(name, name)
            if name in module.definitions:
                return Found(module, module.definitions[name])
            if name not in module.imported:
                return None
            base, original = module.imported[name]
            if whole := self._by_name.get(f"{base}.{original}" if original else base):
                return Found(whole, None)
            home = self._by_name.get(base)
            if home is None:
                return None
            module, name = home, original
        return None


def _read(path: str, text: str) -> Module:
    module = Module(path, ast.parse(text, path))
    module.functions = dict(functions(module.tree))
    for statement in ast.walk(module.tree):
        if isinstance(statement, ast.ImportFrom):
            base = _absolute(path, statement)
            module.imported |= {name.asname or name.name: (base, name.name) for name in statement.names}
        elif isinstance(statement, ast.Import):
            for name in statement.names:
                local = name.asname or name.name.partition(".")[0]
                module.imported[local] = (name.name if name.asname else local, "")
    for statement in module.tree.body:
        if isinstance(statement, Definition):
            module.definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            module.made_of |= _made(statement)
    return module


def _made(statement: ast.Assign | ast.AnnAssign) -> dict[str, str]:
    value = statement.value
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return {}
    targets: Iterable[ast.expr] = (
        statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    )
    return {target.id: value.func.id for target in targets if isinstance(target, ast.Name)}


def _absolute(path: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    package = PurePosixPath(path).parent.parts
    package = package[: len(package) - (statement.level - 1)]
    return ".".join([*package, *([statement.module] if statement.module else [])])
