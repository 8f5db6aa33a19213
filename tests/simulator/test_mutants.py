"""Wrong code made from right code: it runs, and what it does can be told apart."""

import ast
from pathlib import Path

import pytest

from codegod_simulator.library import open_library
from codegod_simulator.mutants import emptied_values, endless, mutants
from codegod_simulator.splice import substituted

from .conftest import lay_out, run_tests

SOURCE = '''"""Shop."""


def price(name: str) -> int:
    """The price of `name`."""
    if name == "tea":
        return 3
    return len(name)


def names() -> list[str]:
    return ["tea"]


def _hidden() -> int:
    return 1
'''


def test_the_functions_that_the_tests_call_are_wrong_in_one_way_each() -> None:
    found = mutants(SOURCE, "assert price('tea') == 3")
    assert len(found) == 3
    assert "return (3) + 1" in found[0]
    assert "return (len(name)) + 1" in found[0]
    assert "name != 'tea'" in found[1]
    assert '    """The price of `name`."""\n    return 0\n' in found[2]
    for one in found:
        assert 'return ["tea"]' in one


def test_without_a_named_function_any_of_them_is_wrong() -> None:
    assert len(mutants(SOURCE, "")) > len(mutants(SOURCE, "price"))


def test_a_module_without_functions_has_no_mutant() -> None:
    assert mutants("X = 1\n", "X") == []


def test_empty_values_are_of_the_announced_types() -> None:
    emptied = emptied_values("shop.py", SOURCE)
    space: dict[str, object] = {}
    exec(emptied, space)  # noqa: S102 - the source stands above
    price, names = space["price"], space["names"]
    assert callable(price)
    assert callable(names)
    assert (price("tea"), names()) == (0, [])


def test_an_endless_loop_stands_in_a_function_that_the_tests_call() -> None:
    looping = endless(SOURCE, "price")
    assert looping is not None
    assert looping.index("while waited:") < looping.index('if name == "tea"')
    assert endless(SOURCE, "nothing") is None


def test_nodes_are_replaced_where_they_stand_whatever_stands_before_them() -> None:
    source = 'a = "ünï"; b = f(1, "ß")\n'
    call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    assert substituted(source, [(call.args[0], "22"), (call.args[1], "3")]) == 'a = "ünï"; b = f(22, 3)\n'


@pytest.mark.long
@pytest.mark.parametrize("task", ["counting", "sources", "report", "command"])
def test_the_tests_of_a_bundled_task_see_every_one_of_its_mutants(task: str, tmp_path: Path) -> None:
    reference = open_library([]).named("word-count")
    owner = reference.task(task)
    assert owner is not None
    tests = "\n".join(reference.files[path] for path in owner.tests)
    for path in owner.files:
        found = mutants(reference.files[path], tests)
        assert found
        for number, mutant in enumerate(found):
            folder = lay_out(tmp_path / f"{number}", {**reference.files, path: mutant})
            run = run_tests(folder, list(owner.tests))
            assert run.failed or run.broken, mutant
