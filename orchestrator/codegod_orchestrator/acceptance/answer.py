"""Reads what a master answers to the acceptance step, and says what is wrong with it. Pure functions."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pydantic

from codegod_kit.plan import Behaviour
from codegod_kit.plan_records import start_problems
from codegod_workers import AnswerFault, Finding, parse_answer
from codegod_workers.answer import NoFiles, UnnamedFile, json_block

STAGE = "acceptance"
FOLDER = "acceptance"
NO_TEST = "no-test"
PROBLEMS_SHOWN = 20

_PATH = re.compile(rf"{FOLDER}/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_UNNAMED_JSON = re.compile(r"^```json[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_TEST_FILE = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")


class Wanted(pydantic.BaseModel):
    """What will count as done: the behaviours with the names of their tests, and how the application is started."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    behaviours: tuple[Behaviour, ...] = ()
    start: str = ""
    health: str = ""

    def without_tests(self, ids: Sequence[str]) -> Wanted:
        """The same, where nothing proves the behaviours `ids`."""
        behaviours = [
            one.model_copy(update={"test": ""}) if one.id in ids else one for one in self.behaviours
        ]
        return self.model_copy(update={"behaviours": tuple(behaviours)})


@dataclass(frozen=True, slots=True)
class AcceptanceAnswer:
    """One answer, in so far as it could be read."""

    wanted: Wanted
    files: Mapping[str, str] = field(default_factory=dict)


def read_answer(text: str) -> AcceptanceAnswer:
    """The answer in `text`; raises `AnswerFault` with words that the next answer can act on."""
    try:
        wanted = Wanted.model_validate(json.loads(_document(text)))
    except pydantic.ValidationError as fault:
        problems = [
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in fault.errors()[:PROBLEMS_SHOWN]
        ]
        raise AnswerFault(f"The JSON is not of the form asked for: {'; '.join(problems)}.") from fault
    except ValueError as fault:
        raise AnswerFault(f"The block is not JSON: {fault}.") from fault
    try:
        files = parse_answer(text, ()).files
    except (NoFiles, UnnamedFile):
        files = {}  # behaviours alone: what is missing is said behaviour by behaviour
    return AcceptanceAnswer(wanted, files)


def _document(text: str) -> str:
    """The control block; a file of the answer may be JSON as well, and has a path at its fence."""
    unnamed = _UNNAMED_JSON.findall(text.replace("\r\n", "\n"))
    return unnamed[0] if len(unnamed) == 1 else json_block(text)


def answer_findings(answer: AcceptanceAnswer, given: Sequence[Behaviour] = ()) -> tuple[Finding, ...]:
    """What is wrong with the answer, where the user's plan has fixed the behaviours `given`."""
    return (*_form(answer), *_missing(answer, given), *_tests(answer))


def _form(answer: AcceptanceAnswer) -> Iterator[Finding]:
    wanted = answer.wanted
    if not wanted.behaviours:
        yield _finding("there is no behaviour: number what the request asks for")
    for problem in start_problems(wanted.start, wanted.health):
        yield _finding(f"{'.'.join(map(str, problem.place))}: {problem.text}")
    ids = [one.id for one in wanted.behaviours]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield _finding(f"two behaviours are called {name!r}")
    for path in answer.files:
        if not _PATH.fullmatch(path):
            yield _finding(f"files of this step lie under {FOLDER}/ and nowhere else", path)


def _missing(answer: AcceptanceAnswer, given: Sequence[Behaviour]) -> Iterator[Finding]:
    answered = {one.id for one in answer.wanted.behaviours}
    for one in given:
        if one.id not in answered:
            yield _finding(f"{one.id} ({one.text}) is missing: the user's plan asks for it", one.id)


def _tests(answer: AcceptanceAnswer) -> Iterator[Finding]:
    """What is wrong with each behaviour's test; its id stands in front, as the finding's path."""
    seen: set[str] = set()
    for one in answer.wanted.behaviours:
        if why := _why_no_test(answer.files, one.test):
            yield _finding(f"{one.text}: {why}", one.id, NO_TEST)
        elif "::" not in one.test:
            yield _finding(f"{one.text}: name one test, such as '{one.test}::test_name'", one.id)
        elif one.test in seen:
            yield _finding(
                f"{one.text}: {one.test!r} is another behaviour's test; write one for each", one.id, NO_TEST
            )
        seen.add(one.test)


def _why_no_test(files: Mapping[str, str], test: str) -> str:
    path, colons, _ = test.partition("::")
    if not test:
        return "it has no `test`"
    if not is_test_path(path):
        return f"{test!r} is no test: write it as '{FOLDER}/test_api.py::test_name'"
    if path not in files:
        return f"the answer has no file {path!r}"
    try:
        found = function_of(files[path], test)
    except (SyntaxError, ValueError) as error:
        return f"{path} is not Python: {error}"
    return "" if found or not colons else f"{path} has no function for {test!r}"


def is_test_path(path: str) -> bool:
    """Whether pytest collects tests from the file `path` of the acceptance folder."""
    return bool(_PATH.fullmatch(path) and _TEST_FILE.fullmatch(path))


def function_of(text: str, test: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function that the test id names; raises SyntaxError for what is no Python."""
    body: list[ast.stmt] = ast.parse(text).body
    found: ast.stmt | None = None
    for part in test.partition("::")[2].partition("[")[0].split("::"):
        found = next((node for node in body if getattr(node, "name", None) == part), None)
        body = found.body if isinstance(found, ast.ClassDef) else []
    return found if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None


def ids_hit(answer: AcceptanceAnswer, findings: Sequence[Finding]) -> frozenset[str]:
    """The ids of the behaviours whose tests these findings (of a check of the files) speak against."""
    return frozenset(
        one.id
        for one in answer.wanted.behaviours
        if any(_speaks_against(answer.files, one.test, finding) for finding in findings)
    )


def _speaks_against(files: Mapping[str, str], test: str, finding: Finding) -> bool:
    path = test.partition("::")[0]
    if finding.path != path or path not in files:
        return False
    try:
        function = function_of(files[path], test)
    except (SyntaxError, ValueError):
        return True
    if function is None or finding.line <= 1:
        return finding.line <= 1
    return function.lineno <= finding.line <= (function.end_lineno or function.lineno)


def _finding(message: str, path: str = "", rule: str = "") -> Finding:
    return Finding(stage=STAGE, path=path, rule=rule, message=message)
