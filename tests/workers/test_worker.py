"""Whole turns of a worker on real servers: what it reads, what it lets a model do, and what it hands in."""

from collections.abc import AsyncIterator

import pytest

from codegod_kit.plan import Task
from codegod_workers.dialogue import REPEATS, TURNS

from .conftest import Bench, Opened, assignment

TASK = Task(id="box", type="backend", title="A box", files=("src/app/box.py",))
STUB = "def size(items: list[str]) -> int:\n    raise NotImplementedError\n"
DONE = "def size(items: list[str]) -> int:\n    return len(items)\n"
ANSWER = f"```python src/app/box.py\n{DONE}```\n"
FILES = {"src/app/box.py": STUB, "src/app/__init__.py": "", "src/app/other.py": "VERSION = '4.17'\n"}
READ = ("sandbox__file_read", {"path": "src/app/other.py"})


@pytest.fixture
async def box(bench: Opened) -> AsyncIterator[Bench]:
    async with bench(TASK, FILES) as opened:
        yield opened


@pytest.mark.long
async def test_one_shot_is_one_question_without_tools(box: Bench) -> None:
    worker, played = box.worker(ANSWER)
    submission = await worker.perform(assignment(TASK))
    assert (submission.outcome, submission.files) == ("submitted", TASK.files)
    assert [request.tools for request in played.asked] == [()]


async def test_a_model_that_can_calls_its_tools_and_still_writes_by_fences(box: Bench) -> None:
    worker, played = box.worker(READ, ANSWER)
    submission = await worker.perform(assignment(TASK, mode="tools"))
    assert submission.outcome == "submitted"
    names = {tool.name for tool in played.asked[0].tools}
    assert {"sandbox__file_read", "sandbox__check_run", "sandbox__text_search"} <= names
    assert not names & {"sandbox__file_write", "git__git_commit", "memory__memory_pack"}
    last = played.asked[1].messages[-1].text
    assert last.startswith("Step: task\nProject: app\nTask: box\nAttempt: 1\n\n")
    assert "VERSION = '4.17'" in last
    assert "Files to write:\n- src/app/box.py" in last
    assert len(submission.spent) == 2


@pytest.mark.long
async def test_a_call_written_as_text_is_run_when_it_names_an_offered_tool(box: Bench) -> None:
    said = '<tool_call>\n{"name": "file_read", "arguments": {"path": "src/app/other.py"}}\n</tool_call>'
    worker, played = box.worker(said, ANSWER)
    assert (await worker.perform(assignment(TASK, mode="tools"))).outcome == "submitted"
    assert "4.17" in played.asked[1].messages[-1].text


async def test_files_come_through_arguments_only_from_a_model_that_loses_nothing_there(box: Bench) -> None:
    write = ("sandbox__file_write", {"path": "src/app/box.py", "content": DONE})
    worker, played = box.worker(write, "Done.")
    submission = await worker.perform(assignment(TASK, mode="tools", in_json=True))
    assert (submission.outcome, submission.files) == ("submitted", TASK.files)
    assert "sandbox__file_write" in {tool.name for tool in played.asked[0].tools}
    assert await box.text("src/app/box.py") == DONE


@pytest.mark.long
async def test_words_without_work_are_no_answer_in_either_mode(box: Bench) -> None:
    for mode in ("fences", "tools"):
        worker, _ = box.worker("Done, all tests pass.")
        submission = await worker.perform(assignment(TASK, mode=mode, in_json=True))
        assert submission.outcome == "malformed"
    assert not box.called("git_commit")


@pytest.mark.long
async def test_the_grant_holds_for_what_a_model_calls_itself(box: Bench) -> None:
    foreign = ("sandbox__file_write", {"path": "src/app/other.py", "content": "VERSION = '5'\n"})
    worker, played = box.worker(foreign, ANSWER)
    assert (await worker.perform(assignment(TASK, mode="tools", in_json=True))).outcome == "submitted"
    assert "error: " in played.asked[1].messages[-1].text
    assert await box.text("src/app/other.py") == "VERSION = '4.17'\n"


@pytest.mark.long
async def test_the_same_call_again_and_again_ends_the_attempt(box: Bench) -> None:
    worker, played = box.worker(READ)
    submission = await worker.perform(assignment(TASK, mode="tools"))
    assert submission.outcome == "malformed"
    assert "called 3 times" in submission.findings[0].message
    assert len(played.asked) == REPEATS


@pytest.mark.long
async def test_the_last_turn_has_no_tools_and_says_so(box: Bench) -> None:
    looks = [("sandbox__text_search", {"query": f"name{number}"}) for number in range(TURNS - 1)]
    worker, played = box.worker(*looks, ANSWER)
    submission = await worker.perform(assignment(TASK, mode="tools"))
    assert submission.outcome == "submitted"
    assert played.asked[-1].tools == ()
    assert "No more calls are possible" in played.asked[-1].messages[-1].text


@pytest.mark.long
async def test_old_results_make_room_for_new_ones(box: Bench) -> None:
    await box.others.call(
        "sandbox.file_write", {"path": "src/app/long.py", "content": "# a line of some length\n" * 300}
    )
    reads = [("sandbox__file_read", {"path": "src/app/long.py", "offset": number}) for number in range(1, 7)]
    worker, played = box.worker(*reads, ANSWER)
    submission = await worker.perform(assignment(TASK, mode="tools", context_tokens=11_000))
    assert submission.outcome == "submitted"
    results = [m.text for m in played.asked[-1].messages if m.role == "user"]
    assert "left out to make room" in results[1]
    assert "a line of some length" in results[-1]


@pytest.mark.long
async def test_a_definition_of_a_long_file_lands_in_its_place_and_the_rest_stays(
    bench: Opened,
) -> None:
    long = "".join(f"def part{number}() -> int:\n    return {number}\n\n\n" for number in range(400))
    async with bench(TASK, {**FILES, "src/app/box.py": f"{long}{STUB}"}) as opened:
        worker, played = opened.worker(f"```python src/app/box.py::size\n{DONE}```\n")
        submission = await worker.perform(assignment(TASK, context_tokens=60_000))
        assert submission.outcome == "submitted"
        assert "src/app/box.py::" in played.asked[0].system
        assert "def part399" in played.asked[0].messages[0].text
        read = await opened.view.call("sandbox.file_read", {"path": "src/app/box.py", "offset": 1601})
        assert DONE.strip() in read.text
        assert "def part0" in await opened.text("src/app/box.py")


async def test_errors_with_what_mended_them_come_back_to_tasks_like_theirs(box: Bench) -> None:
    lesson = "src/app/size.py:2: [return] size: int expected\nMended by:\n-    return items\n+    return len(items)\n"
    await box.others.call("memory.memory_put", {"text": lesson, "type": "error", "source": "size.2"})
    worker, played = box.worker(ANSWER)
    await worker.perform(assignment(TASK))
    assert "# What went wrong elsewhere in this project" in played.asked[0].messages[0].text
    assert "+    return len(items)" in played.asked[0].messages[0].text


async def test_a_package_is_refused_in_words_where_it_cannot_be_added(bench: Opened) -> None:
    task = Task(id="box", type="backend", title="A box", files=("src/box.ts",))
    async with bench(task, {"src/box.ts": "export {};\n", "package.json": "{}\n"}) as opened:
        worker, _ = opened.worker(
            "```typescript src/box.ts\nexport {};\n```\n\n```needs\ndependency: zod\n```\n"
        )
        submission = await worker.perform(assignment(task))
    assert submission.outcome == "malformed"
    assert "No package can be added to this task (zod)" in submission.findings[0].message
    assert not opened.called("file_write")
