"""What a master's list of behaviours and tests is worth, read from its words alone."""

import pytest

from codegod_kit.plan import Behaviour
from codegod_orchestrator.acceptance.answer import NO_TEST, answer_findings, ids_hit, read_answer
from codegod_workers import AnswerFault, Finding

TESTS = """\
def test_reads():
    assert 1 + 1 == 2


class TestLists:
    def test_lists(self):
        pass
"""


def answer(
    behaviours: str, files: str = f"```python acceptance/test_api.py\n{TESTS}```\n", more: str = ""
) -> str:
    return f'Here is the list.\n\n```json\n{{"behaviours": [{behaviours}]{more}}}\n```\n\n{files}'


READS = '{"id": "B1", "text": "Reads", "test": "acceptance/test_api.py::test_reads"}'
LISTS = '{"id": "B2", "text": "Lists", "test": "acceptance/test_api.py::TestLists::test_lists"}'


def test_a_list_with_its_tests_is_read() -> None:
    read = read_answer(
        answer(f"{READS}, {LISTS}", more=', "start": "python -m app {port}", "health": "/up", "notes": 1')
    )
    assert [one.id for one in read.wanted.behaviours] == ["B1", "B2"]
    assert (read.wanted.start, read.wanted.health) == ("python -m app {port}", "/up")
    assert read.files == {"acceptance/test_api.py": TESTS}
    assert answer_findings(read) == ()


def test_a_file_of_data_is_not_taken_for_the_list() -> None:
    files = f'```python acceptance/test_api.py\n{TESTS}```\n\n```json acceptance/data.json\n{{"a": 1}}\n```\n'
    read = read_answer(answer(READS, files))
    assert read.files["acceptance/data.json"] == '{"a": 1}\n'
    assert answer_findings(read) == ()


def test_behaviours_alone_are_read_and_said_to_have_no_tests() -> None:
    read = read_answer(answer('{"id": "B1", "text": "Reads"}', ""))
    assert [str(one) for one in answer_findings(read)] == ["B1: [no-test] Reads: it has no `test`"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I cannot do that.", "0 JSON blocks"),
        ("```json\n{\n```", "not JSON"),
        ('```json\n{"behaviours": [{"id": "B1"}]}\n```', "behaviours.0.text"),
        ('```json\n["B1"]\n```', "not of the form"),
        (answer(READS, "```python acceptance/test_api.py\nassert"), "never closed"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(text: str, why: str) -> None:
    with pytest.raises(AnswerFault, match=why):
        read_answer(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (answer(""), "there is no behaviour"),
        (answer(f"{READS}, {READS}"), "two behaviours are called 'B1'"),
        (answer(READS, more=', "start": "a && b"'), "a shell's"),
        (answer(READS, more=', "start": "python -m a", "health": "/up"'), "{port}"),
        (answer(READS, f"```python tests/test_api.py\n{TESTS}```"), "under acceptance/ and nowhere else"),
        (answer(READS.replace("test_api.py", "test_web.py")), "no file 'acceptance/test_web.py'"),
        (answer(READS.replace("test_reads", "test_writes")), "no function"),
        (answer(READS.replace("test_api.py::", "api.py::")), "is no test: write it as"),
        (answer(READS, "```python acceptance/test_api.py\ndef test_reads(:\n```"), "is not Python"),
        (
            answer(f"{READS}, {LISTS.replace('TestLists::test_lists', 'test_reads')}"),
            "another behaviour's test",
        ),
    ],
)
def test_what_is_wrong_with_a_list_is_found(text: str, why: str) -> None:
    found = [str(finding) for finding in answer_findings(read_answer(text))]
    assert any(why in finding for finding in found), found


def test_the_test_of_another_behaviour_counts_as_none() -> None:
    twice = answer(f"{READS}, {LISTS.replace('TestLists::test_lists', 'test_reads')}")
    found = [(finding.path, finding.rule) for finding in answer_findings(read_answer(twice))]
    assert found == [("B2", NO_TEST)]


def test_a_behaviour_that_the_user_fixed_may_not_be_left_out() -> None:
    given = [Behaviour(id="B9", text="Sings")]
    assert "B9 (Sings) is missing" in str(answer_findings(read_answer(answer(READS)), given)[0])


def test_a_finding_in_a_file_speaks_against_the_test_that_it_stands_in() -> None:
    read = read_answer(answer(f"{READS}, {LISTS}"))
    empty = Finding(
        stage="rules", rule="no-assertion", path="acceptance/test_api.py", line=6, message="checks nothing"
    )
    assert ids_hit(read, [empty]) == {"B2"}
    assert ids_hit(read, [empty.model_copy(update={"line": 0})]) == {"B1", "B2"}
    assert ids_hit(read, [empty.model_copy(update={"path": "acceptance/other.py"})]) == set()
