"""Checks a model's tool call against the schema that the model was shown, before anybody hears of the call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from codegod_models.faults import ToolCallInvalid
from codegod_models.provider import ToolSpec, ToolUse


def checked_call(identity: str, name: str, arguments: object, tools: Sequence[ToolSpec]) -> ToolUse:
    """The call, when `name` is one of `tools` and `arguments` (an object, or its JSON text) fit; else `ToolCallInvalid`."""
    spec = next((tool for tool in tools if tool.name == name), None)
    if spec is None:
        known = ", ".join(tool.name for tool in tools) or "none"
        raise ToolCallInvalid(name, f"no such tool was offered; offered: {known}")
    parsed = _parsed(name, arguments)
    if problem := _problem(spec.schema, parsed):
        raise ToolCallInvalid(name, problem)
    return ToolUse(identity, name, parsed)


def _parsed(name: str, arguments: object) -> dict[str, Any]:
    if arguments is None or arguments == "":
        return {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError as error:
            raise ToolCallInvalid(name, f"its arguments are not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise ToolCallInvalid(name, "its arguments are not an object")
    return arguments


def _problem(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """What does not fit, or nothing. References to other documents are never fetched."""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    document = dict(schema)
    validator = validator_for(document)(document, registry=Registry())
    try:
        error = best_match(validator.iter_errors(arguments))
    except Unresolvable as unresolvable:
        return f"its schema refers to {unresolvable.ref!r}, which is not part of it"
    return f"{error.json_path}: {error.message}" if error else ""
