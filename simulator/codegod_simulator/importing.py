"""Which functions of a project run while its modules are being imported: a stub of such a one would break the import.

Names are followed through the project's own imports, calls through the bodies of what is kept. What cannot be
followed (a call on a value of unknown class) is taken for somebody else's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from codegod_simulator.stubs import FunctionNode, functions

# Python itself calls these while a class is being made.
_AT_CLASS_CREATION = frozenset(
    {
        "__init_subclass__",
        "__set_name__",
        "__class_getitem__",
        "__prepare__",
        "_generate_next_value_",
        "__get_pydantic_core_schema__",
        "__get_pydantic_json_schema__",
    }
)
_METACLASSES = frozenset({"type", "ABCMeta", "EnumMeta", "EnumType"})
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})
# Arguments that a call in a class body or at the top level calls back at once.
_CALLED_BACK = frozenset({"key", "alias_generator", "field_title_generator", "model_title_generator"})

Found = FunctionNode | ast.ClassDef


@dataclass(slots=True)
class _Module:
    path: str
    tree: ast.Module
    names: dict[str, Found] = field(default_factory=dict)  # what it defines at its top level
    methods: dict[str, FunctionNode] = field(default_factory=dict)  # by qualified name, functions included
    imported: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # local name -> (dotted module, its name there)
    instances: dict[str, str] = field(
        default_factory=dict
    )  # top-level variable -> the name it was called from


def needed_at_import(sources: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """By path, the qualified names of the functions that importing `sources` (Python only) runs."""
    walk = _Walk({path: _read(path, text) for path, text in sources.items()})
    for module in walk.modules.values():
        walk.import_of(module)
    return {path: frozenset(names) for path, names in walk.kept.items()}


def wanted_outside(path: str, sources: Mapping[str, str]) -> frozenset[str]:
    """The names that other sources reach through the module `path`, as in `storage.time` or `from storage import x`."""
    name = PurePosixPath(path).stem
    through = re.compile(rf"\b{re.escape(name)}\.(\w+)")
    found: set[str] = set()
    for other, text in sources.items():
        if other == path:
            continue
        found.update(through.findall(text))
        for statement in ast.walk(ast.parse(text, other)):
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[-1] == name:
                found.update(alias.name for alias in statement.names)
    return frozenset(found)


def _read(path: str, text: str) -> _Module:
    module = _Module(path, ast.parse(text, path))
    module.methods = dict(functions(module.tree))
    for statement in ast.walk(module.tree):
        if isinstance(statement, ast.ImportFrom):
            base = _absolute(path, statement)
            for name in statement.names:
                module.imported[name.asname or name.name] = (base, name.name)
        elif isinstance(statement, ast.Import):
            for name in statement.names:
                local = name.asname or name.name.partition(".")[0]
                module.imported[local] = (name.name if name.asname else local, "")
    for statement in module.tree.body:
        if isinstance(statement, FunctionNode | ast.ClassDef):
            module.names[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(statement.value.func, ast.Name):
                    module.instances[target.id] = statement.value.func.id
    return module


def _absolute(path: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    package = PurePosixPath(path).parent.parts
    package = package[: len(package) - (statement.level - 1)]
    return ".".join([*package, *([statement.module] if statement.module else [])])


class _Walk:
    def __init__(self, modules: dict[str, _Module]) -> None:
        self.modules = modules
        self.kept: dict[str, set[str]] = {path: set() for path in modules}

    def import_of(self, module: _Module) -> None:
        for name, function in module.methods.items():
            if function.name in _AT_CLASS_CREATION or name == "__getattr__":
                self._keep(module, name)
        for statement in module.tree.body:
            if isinstance(statement, ast.ClassDef) and _names_of(statement.bases) & (_METACLASSES | _ENUMS):
                self._keep_dunders(module, statement)
        if not module.path.endswith("__main__.py"):  # that one is run, never imported
            self._follow(module, _run_at_import(module.tree.body), "")

    def _follow(self, module: _Module, expressions: Iterator[ast.expr], owner: str) -> None:
        for called in expressions:
            self._call(module, called, owner)

    def _call(self, module: _Module, called: ast.expr, owner: str) -> None:
        """`called` is called in `module`, within the class `owner` if any."""
        if isinstance(called, ast.Name) and called.id == "cls" and owner:
            self._use(*self._resolve(module, owner))
        elif isinstance(called, ast.Name):
            self._use(*self._resolve(module, called.id))
        elif isinstance(called, ast.Attribute):
            self._call_attribute(module, called.value, called.attr, owner)

    def _call_attribute(self, module: _Module, base: ast.expr, attribute: str, owner: str) -> None:
        if isinstance(base, ast.Name) and base.id in {"self", "cls"} and owner:
            self._keep(module, f"{owner}.{attribute}")
            return
        home, found = self._resolve_expression(module, base)
        if home and found is None:  # `base` is a module of the project
            self._use(*self._resolve(home, attribute))
        elif home and isinstance(found, ast.ClassDef):
            self._keep(home, f"{found.name}.{attribute}")

    def _use(self, module: _Module | None, found: Found | None) -> None:
        if module is None or found is None:
            return
        if isinstance(found, ast.ClassDef):
            self._keep_dunders(module, found)
        else:
            self._keep(module, found.name)

    def _keep_dunders(self, module: _Module, found: ast.ClassDef) -> None:
        """An instance made at import may be initialised, hashed, compared, called: its special methods stay."""
        for statement in found.body:
            if isinstance(statement, FunctionNode) and statement.name.startswith("__"):
                self._keep(module, f"{found.name}.{statement.name}")
        for base in found.bases:
            if isinstance(base, ast.Name):
                home, parent = self._resolve(module, base.id)
                if home and isinstance(parent, ast.ClassDef):
                    self._keep_dunders(home, parent)

    def _keep(self, module: _Module, name: str) -> None:
        function = module.methods.get(name)
        if function is None or name in self.kept[module.path]:
            return
        self.kept[module.path].add(name)
        self._follow(module, _calls(function.body), name.rpartition(".")[0])

    def _resolve_expression(
        self, module: _Module, expression: ast.expr
    ) -> tuple[_Module | None, Found | None]:
        if isinstance(expression, ast.Name):
            return self._resolve(module, expression.id)
        if isinstance(expression, ast.Attribute):
            home, found = self._resolve_expression(module, expression.value)
            if home and found is None:
                return self._resolve(home, expression.attr)
        return None, None

    def _resolve(self, module: _Module, name: str) -> tuple[_Module | None, Found | None]:
        """What `name`, read in `module`, is: a function, a class (or an instance of it), or (module, None)."""
        for _ in range(len(self.modules) + 1):  # re-exports may go in a circle
            if name in module.names:
                return module, module.names[name]
            if name in module.instances:
                name = module.instances[name]
                continue
            if name not in module.imported:
                return None, None
            base, original = module.imported[name]
            whole = self._module(f"{base}.{original}" if original else base)
            if whole:
                return whole, None
            home = self._module(base)
            if home is None:
                return None, None
            module, name = home, original
        return None, None

    def _module(self, dotted: str) -> _Module | None:
        tail = tuple(dotted.split("."))
        for path, module in self.modules.items():
            parts = PurePosixPath(path).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if parts[-len(tail) :] == tail:
                return module
        return None


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """What is called by statements that run when the module is imported."""
    for statement in body:
        if isinstance(statement, FunctionNode):
            yield from _decorators(statement)
            yield from _calls([*statement.args.defaults, *(d for d in statement.args.kw_defaults if d)])
        elif isinstance(statement, ast.ClassDef):
            yield from _decorators(statement)
            yield from _calls([*statement.bases, *(keyword.value for keyword in statement.keywords)])
            yield from _run_at_import(statement.body)
        elif isinstance(statement, ast.If):
            if not _is_main_guard(statement):
                yield from _calls([statement.test])
                yield from _run_at_import([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            handled = [line for handler in statement.handlers for line in handler.body]
            yield from _run_at_import([*statement.body, *handled, *statement.orelse, *statement.finalbody])
        else:
            yield from _calls([statement])


def _decorators(statement: FunctionNode | ast.ClassDef) -> Iterator[ast.expr]:
    for decorator in statement.decorator_list:
        yield decorator
        yield from _calls([decorator])


def _calls(nodes: Iterator[ast.AST] | list[ast.expr] | list[ast.stmt]) -> Iterator[ast.expr]:
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                yield inner.func
                yield from (k.value for k in inner.keywords if k.arg in _CALLED_BACK)
                if isinstance(inner.func, ast.Name) and inner.func.id in {"map", "filter"}:
                    yield from inner.args[:1]


def _is_main_guard(statement: ast.If) -> bool:
    test = ast.unparse(statement.test)
    return "__name__" in test and "__main__" in test


def _names_of(bases: list[ast.expr]) -> set[str]:
    return {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in bases}
