"""What workers do wrong, made from the right answer. A spoiler returns None where its fault has nothing to bite on."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping

from codegod_simulator.answer import fenced
from codegod_simulator.mutants import emptied_values, endless, mutants
from codegod_simulator.scene import Scene
from codegod_simulator.splice import lines_of, substituted
from codegod_simulator.stubs import FunctionNode, functions, is_trivial

Spoiler = Callable[[Scene], str | None]

_INVENTED = (
    "quickvalidate_pro",
    "jsonutils_plus_x",
    "easyserverkit_lite",
    "pydatafaster_x",
)  # in no registry
_REPEATS = 4_000  # of a line of some ten tokens: more than any answer limit


def malformed_json(scene: Scene) -> str:
    """Files as JSON, with the line ends unescaped and the last brace forgotten."""
    items = ",\n".join(f'  {{"path": "{path}", "content": "{text}"}}' for path, text in scene.files.items())
    return f'{{"files": [\n{items}\n]'


def no_fence(scene: Scene) -> str:
    return "\n".join(f"{path}\n\n{text}" for path, text in scene.files.items())


def fence_left_in(scene: Scene) -> str:
    """A fence within the fence: what is written to the file begins and ends with one."""
    return fenced({path: f"```\n{text}```\n" for path, text in scene.files.items()})


def wrong_tool(scene: Scene) -> str:
    """The call of a tool that nobody offered, written as text."""
    calls = [
        {"name": "write_to_disk", "arguments": {"file": path, "text": text}}
        for path, text in scene.files.items()
    ]
    return "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)


def wrong_types(scene: Scene) -> str:
    """The call of a tool that there is, with a list where a text belongs."""
    calls = [
        {"name": "file_write", "arguments": {"path": [path], "content": text.splitlines()}}
        for path, text in scene.files.items()
    ]
    return "\n".join(json.dumps(call) for call in calls)


def hallucinated_import(scene: Scene) -> str | None:
    """A package that does not exist, imported and used."""
    name = scene.chance.choice(_INVENTED)

    def imported(text: str) -> str:
        lines = lines_of(text)
        lines.insert(_after_heading(text), f"import {name}\n")
        return f"{''.join(lines)}\n\nBACKEND = {name}.connect()\n"

    return _one_file(scene, lambda _, text: imported(text))


def signature_drift(scene: Scene) -> str | None:
    """A parameter of a public function under another name, in its body as well."""
    return _one_file(scene, lambda _, text: _with_renamed_parameter(text))


def foreign_file(scene: Scene) -> str | None:
    """All that was asked for, and a file of somebody else."""
    others = [
        path for path in scene.reference.plan.skeleton if path not in scene.files and path.endswith(".py")
    ]
    if not others:
        return None
    path = scene.chance.choice(others)
    return fenced({**scene.files, path: f"{scene.reference.files[path]}\n# changed by another task\n"})


def stub_body(scene: Scene) -> str | None:
    """The stubs as they were, with a word about the future."""

    def stubbed(path: str) -> str:
        stub = scene.reference.contract_file(path)
        return stub.replace("raise NotImplementedError", 'raise NotImplementedError("coming soon")')

    found = {path: stubbed(path) for path in scene.python()}
    return fenced({**scene.files, **found}) if _differ(scene, found) else None


def empty_values(scene: Scene) -> str | None:
    """Functions that return nothing, zero and empty texts, as their types allow."""
    found = {path: emptied_values(path, text) for path, text in scene.python().items()}
    return fenced({**scene.files, **found}) if _differ(scene, found) else None


def deleted_test(scene: Scene) -> str | None:
    """A test is gone: one of the contract, handed in with the task's files, or one that the task itself should write."""
    tests = scene.task.tests if scene.task else ()
    sources = {path: scene.reference.files[path] for path in tests} or {
        path: text for path, text in scene.python().items() if path.rpartition("/")[2].startswith("test_")
    }
    for path, text in sources.items():
        shorter = _without_last_test(text)
        if shorter is not None:
            return fenced({**scene.files, path: shorter})
    return None


def no_work(scene: Scene) -> str:
    return (
        f"Done! I implemented {', '.join(scene.files)} completely. All functions are in place, every edge case is handled "
        "and all tests pass."
    )


def repetition(scene: Scene) -> str:
    """A stream that says the same for ever."""
    return (
        f"{scene.text[: len(scene.text) // 3]}\n" + "    # and so on, in the same way as above\n" * _REPEATS
    )


def syntax_error(scene: Scene) -> str | None:
    """A function whose head is never closed."""
    return _one_file(scene, lambda _, text: f"{text}\n\ndef _prepared(\n")


def wrong_logic(scene: Scene) -> str | None:
    """One slip in a function that the task's tests call."""

    def slipped(_: str, text: str) -> str | None:
        found = mutants(text, scene.tested())
        return scene.chance.choice(found) if found else None

    return _one_file(scene, slipped)


def same_answer(scene: Scene) -> str | None:
    """The same slip, whatever the findings said."""

    def slipped(_: str, text: str) -> str | None:
        found = mutants(text, scene.tested())
        return found[0] if found else None

    return _one_file(scene, slipped, first=True)


def endless_loop(scene: Scene) -> str | None:
    return _one_file(scene, lambda _, text: endless(text, scene.tested()))


def cut_context(scene: Scene) -> str:
    return "It looks as if the beginning of your message is missing. Could you tell me what you would like me to write?"


SPOILERS: Mapping[str, Spoiler] = {
    "malformed_json": malformed_json,
    "no_fence": no_fence,
    "fence_left_in": fence_left_in,
    "wrong_tool": wrong_tool,
    "wrong_types": wrong_types,
    "hallucinated_import": hallucinated_import,
    "signature_drift": signature_drift,
    "foreign_file": foreign_file,
    "stub_body": stub_body,
    "empty_values": empty_values,
    "deleted_test": deleted_test,
    "no_work": no_work,
    "repetition": repetition,
    "syntax_error": syntax_error,
    "wrong_logic": wrong_logic,
    "same_answer": same_answer,
    "endless_loop": endless_loop,
    "context_cut": cut_context,
}


def _one_file(scene: Scene, spoil: Callable[[str, str], str | None], *, first: bool = False) -> str | None:
    """The answer with one of its Python files spoilt, drawn from those that can be."""
    sources = [(path, text) for path, text in scene.python().items()]
    if not first:
        scene.chance.shuffle(sources)
    for path, text in sources:
        spoilt = spoil(path, text)
        if spoilt is not None and spoilt != text:
            return fenced({**scene.files, path: spoilt})
    return None


def _differ(scene: Scene, found: Mapping[str, str]) -> bool:
    return any(scene.files[path] != text for path, text in found.items())


def _after_heading(text: str) -> int:
    """The line after the docstring and the imports from the future, from 0."""
    last = 0
    for number, statement in enumerate(ast.parse(text).body):
        is_docstring = number == 0 and isinstance(statement, ast.Expr)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not is_docstring and not is_future:
            break
        last = statement.end_lineno or last
    return last


def _with_renamed_parameter(text: str) -> str | None:
    for _, function in functions(ast.parse(text)):
        parameters = [one for one in function.args.args if one.arg not in {"self", "cls"}]
        if function.name.startswith("_") or is_trivial(function) or not parameters:
            continue
        old = parameters[0]
        new = f"{old.arg}_value"
        used = [
            node
            for statement in function.body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and node.id == old.arg
        ]
        if any(isinstance(part, ast.JoinedStr) for one in function.body for part in ast.walk(one)):
            continue  # places inside an f-string are not told exactly by every Python
        announced = f"{new}: {ast.unparse(old.annotation)}" if old.annotation else new
        return substituted(text, [(old, announced), *((name, new) for name in used)])
    return None


def _without_last_test(text: str) -> str | None:
    tests = [
        one for one in ast.parse(text).body if isinstance(one, FunctionNode) and one.name.startswith("test_")
    ]
    if not tests:
        return None
    last = tests[-1]
    first_line = min([last.lineno, *(decorator.lineno for decorator in last.decorator_list)])
    lines = lines_of(text)
    del lines[first_line - 1 : last.end_lineno]
    return f"{''.join(lines).rstrip()}\n"
