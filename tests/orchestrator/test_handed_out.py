"""What a build hands to its user reads well later and elsewhere."""

from codegod_kit.plan import Plan, Task
from codegod_orchestrator.accepting import MESSAGE_WIDTH, message_of
from codegod_orchestrator.planning import lasting


def test_a_plan_that_is_handed_out_names_no_address_of_this_machine() -> None:
    public = "https://example.org/openapi.json"
    plan = Plan(
        name="a",
        skeleton=("a.py",),
        tasks=(),
        references=("http://127.0.0.1:8123/specs/a.json", public, "http://localhost/x"),
    )
    assert lasting(plan).references == (public,)


def test_a_commit_message_has_lines_of_a_readable_width() -> None:
    task = Task(
        id="a", type="backend", title="Add it", description="word " * 40 + "\n\nsecond", files=("a.py",)
    )
    title, blank, *body = message_of(task).splitlines()
    assert (title, blank) == ("Add it", "")
    assert max(map(len, body)) <= MESSAGE_WIDTH
    assert body[-2:] == ["", "second"]
