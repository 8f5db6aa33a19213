"""Only a call that fits the schema the model was shown is a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from codegod_models import ToolCallInvalid
from codegod_models.tool_calls import checked_call


@dataclass(frozen=True)
class Spec:
    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)


READ = Spec(
    "file_read",
    schema={
        "type": "object",
        "properties": {"path": {"type": "string"}, "range": {"$ref": "#/$defs/range"}},
        "required": ["path"],
        "$defs": {"range": {"type": "object", "required": ["first"]}},
    },
)


@pytest.mark.parametrize("arguments", [{"path": "a.py"}, '{"path": "a.py"}'])
def test_arguments_come_as_an_object_or_as_its_text(arguments: object) -> None:
    call = checked_call("1", "file_read", arguments, (READ,))
    assert (call.id, call.name, call.arguments) == ("1", "file_read", {"path": "a.py"})


@pytest.mark.parametrize("arguments", [None, ""])
def test_no_arguments_are_an_empty_object(arguments: object) -> None:
    assert checked_call("1", "ping", arguments, (Spec("ping"),)).arguments == {}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ('{"path": "a.p', "not JSON"),
        ("[]", "not an object"),
        ({}, "'path' is a required property"),
        ({"path": 1}, "\\$\\.path"),
        ({"path": "a", "range": {}}, "'first' is a required property"),
    ],
)
def test_a_call_that_does_not_fit_names_what_is_wrong(arguments: object, why: str) -> None:
    with pytest.raises(ToolCallInvalid, match=why):
        checked_call("1", "file_read", arguments, (READ,))


def test_a_tool_that_was_not_offered_is_no_call() -> None:
    with pytest.raises(ToolCallInvalid, match=r"'shell'.*offered: file_read"):
        checked_call("1", "shell", {}, (READ,))


def test_a_schema_that_points_elsewhere_is_never_fetched() -> None:
    spec = Spec("file_read", schema={"$ref": "http://127.0.0.1:9/schema.json"})
    with pytest.raises(ToolCallInvalid, match="not part of it"):
        checked_call("1", "file_read", {}, (spec,))
