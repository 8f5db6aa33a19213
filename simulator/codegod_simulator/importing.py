"""Which functions of a project run while its modules are being imported: a stub of such a one would break the import.

Names are followed through the project's own imports, calls through the bodies of what is kept. What cannot be
followed (a call on a value of unknown class) is taken for somebody else's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from codegod_simulator.definitions import Definitions, Found, Module
from codegod_simulator.stubs import FunctionNode

# Python and pydantic call these while a class is being made.
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
_MADE_AT_IMPORT = frozenset(
    {"type", "ABCMeta", "EnumMeta", "EnumType", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
)
# What making, keeping and using an instance at import may run.
_OF_INSTANCES = frozenset(
    {
        "__new__",
        "__init__",
        "__post_init__",
        "model_post_init",
        "__hash__",
        "__eq__",
        "__call__",
        "__getattr__",
    }
)
# Arguments that are called back: at once, or when an instance is made.
_CALLED_AT_ONCE = frozenset({"key", "alias_generator", "field_title_generator", "model_title_generator"})
_CALLED_FOR_INSTANCES = frozenset({"default_factory", "factory", "converter", "validator"})


def needed_at_import(sources: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """By path, the qualified names of the functions that importing `sources` (Python only) runs."""
    walk = _Walk(Definitions(sources))
    for module in walk.definitions.modules:
        walk.import_of(module)
    return {path: frozenset(names) for path, names in walk.kept.items()}


class _Walk:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.kept: dict[str, set[str]] = {module.path: set() for module in definitions.modules}
        self._made: set[tuple[str, str]] = set()

    def import_of(self, module: Module) -> None:
        """Keep what the import of `module` runs."""
        for name, function in module.functions.items():
            if function.name in _AT_CLASS_CREATION or name == "__getattr__":
                self._keep(module, name)
        for statement in module.tree.body:
            if isinstance(statement, ast.ClassDef) and _names_of(statement.bases) & _MADE_AT_IMPORT:
                self._make(module, statement)
        if not module.path.endswith("__main__.py"):  # that one is run, never imported
            self._follow(module, _run_at_import(module.tree.body), "")

    def _follow(self, module: Module, called: Iterable[ast.expr], owner: str) -> None:
        """Keep what `called` names; `owner` is the class whose method calls it, if any."""
        for expression in called:
            if isinstance(expression, ast.Name) and expression.id == "cls" and owner:
                expression = ast.Name(owner)
            if found := self.definitions.of(module, expression):
                self._use(found)
            elif isinstance(expression, ast.Attribute):
                self._call_method(module, expression, owner)

    def _use(self, found: Found) -> None:
        if isinstance(found.definition, ast.ClassDef):
            self._make(found.module, found.definition)
        elif found.definition:
            self._keep(found.module, found.definition.name)

    def _call_method(self, module: Module, called: ast.Attribute, owner: str) -> None:
        if isinstance(called.value, ast.Name) and called.value.id in {"self", "cls"} and owner:
            self._keep(module, f"{owner}.{called.attr}")
            return
        base = self.definitions.of(module, called.value)
        if base and isinstance(base.definition, ast.ClassDef):
            self._keep(base.module, f"{base.definition.name}.{called.attr}")

    def _make(self, module: Module, made: ast.ClassDef) -> None:
        """An instance of `made` comes to be at import: keep what that runs, in its bases as well."""
        if (module.path, made.name) in self._made:
            return
        self._made.add((module.path, made.name))
        for statement in made.body:
            if isinstance(statement, FunctionNode) and _runs_for_instances(statement):
                self._keep(module, f"{made.name}.{statement.name}")
        self._follow(module, _called_for_instances(made), made.name)
        for base in made.bases:
            found = self.definitions.of(module, base)
            if found and isinstance(found.definition, ast.ClassDef):
                self._make(found.module, found.definition)

    def _keep(self, module: Module, name: str) -> None:
        function = module.functions.get(name)
        if function is None or name in self.kept[module.path]:
            return
        self.kept[module.path].add(name)
        self._follow(module, _calls(function.body), name.rpartition(".")[0])


def _run_at_import(body: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    """What is called by statements that run when the module is imported."""
    for statement in body:
        if isinstance(statement, FunctionNode):
            yield from _decorators(statement)
            yield from _calls(
                [*statement.args.defaults, *filter(None, statement.args.kw_defaults)], lambdas=False
            )
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
            yield from _calls([statement], lambdas=False)


def _decorators(statement: FunctionNode | ast.ClassDef) -> Iterator[ast.expr]:
    for decorator in statement.decorator_list:
        yield decorator
        yield from _calls([decorator])


def _calls(nodes: Iterable[ast.AST], *, lambdas: bool = True) -> Iterator[ast.expr]:
    """What is called anywhere in `nodes`; what is called in a lambda is called later, as a rule."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Lambda) and not lambdas:
            continue
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            yield node.func
            yield from (keyword.value for keyword in node.keywords if keyword.arg in _CALLED_AT_ONCE)
            if isinstance(node.func, ast.Name) and node.func.id in {"map", "filter"}:
                yield from node.args[:1]


def _runs_for_instances(method: FunctionNode) -> bool:
    return method.name in _OF_INSTANCES or any(
        name.endswith("validator") for name in _names_of(_plain(method.decorator_list))
    )


def _called_for_instances(made: ast.ClassDef) -> Iterator[ast.expr]:
    """Default factories and validators in the fields of a class, and what their lambdas call."""
    fields = [statement for statement in made.body if not isinstance(statement, FunctionNode)]
    yield from _calls(fields)
    for node in (node for statement in fields for node in ast.walk(statement)):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg in _CALLED_FOR_INSTANCES)
            if any(name.endswith("Validator") for name in _names_of([node.func])):
                yield from node.args[:1]


def _plain(decorators: Iterable[ast.expr]) -> list[ast.expr]:
    return [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators]


def _is_main_guard(statement: ast.If) -> bool:
    test = ast.unparse(statement.test)
    return "__name__" in test and "__main__" in test


def _names_of(expressions: Iterable[ast.expr]) -> set[str]:
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in expressions}
