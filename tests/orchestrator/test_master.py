"""What the master is shown."""

from codegod_kit.plan import Behaviour, Plan, Task
from codegod_orchestrator.master import contract_opening

PLAN = Plan(
    prompts=("Write an app",),
    name="app",
    reasoning=("first this",),
    behaviours=(Behaviour(id="B1", text="It adds", test="acceptance/test_app.py::test_it_adds"),),
    skeleton=("pyproject.toml",),
    tasks=(Task(id="a", type="backend", title="A", files=("src/a.py",), tests=("tests/test_a.py",)),),
)


def test_the_contract_is_written_by_the_behaviours_and_without_the_hidden_tests() -> None:
    text = contract_opening(PLAN, ["src/a.py"], written={}, later=["tests/test_a.py"])
    assert '"It adds"' in text
    assert "acceptance/" not in text and "test_it_adds" not in text
    assert "first this" not in text
    assert "Files to write:\n- src/a.py" in text and "Asked for later, not now: tests/test_a.py." in text
