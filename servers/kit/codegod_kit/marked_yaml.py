"""YAML that remembers where everything stood, so that an error can name its line."""

from dataclasses import dataclass
from typing import Any

import yaml

# Where in a document something stands, e.g. ("tasks", 2, "depends", 0).
Place = tuple[str | int, ...]
# Plans nest five deep; this much is only ever an attack on the parser's stack.
_DEPTH_LIMIT = 40


class MarkedYamlError(Exception):
    """The text is not YAML that we take; `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Marked:
    """Plain data, and the line of every place in it."""

    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it when it is missing."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_marked(text: str) -> Marked:
    """Read one YAML (or JSON) document; without aliases, repeated keys or other surprises."""
    lines: dict[Place, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return Marked(None if node is None else _plain(loader, node, (), lines), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise MarkedYamlError(line, error.problem or "is not YAML") from error
    except yaml.YAMLError as error:
        raise MarkedYamlError(1, str(error).splitlines()[0]) from error


class _Loader(yaml.SafeLoader):
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise MarkedYamlError(line, "aliases are not taken here")
        if self._depth >= _DEPTH_LIMIT:
            raise MarkedYamlError(line, "nested too deep")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _plain(loader: _Loader, node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(loader, value, (*place, key), lines) for key, value in _entries(loader, node)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*place, index), lines) for index, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except ValueError as error:
        # A date that is none, a number of thousands of digits.
        raise MarkedYamlError(lines[place], str(error)) from error


def _entries(loader: _Loader, node: yaml.MappingNode) -> list[tuple[str, yaml.Node]]:
    seen: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = loader.construct_object(key_node)
        if not isinstance(key, str):
            raise MarkedYamlError(key_node.start_mark.line + 1, f"the key {key!r} is not text")
        if key in seen:
            raise MarkedYamlError(key_node.start_mark.line + 1, f"the key {key!r} stands here twice")
        seen[key] = value
    return list(seen.items())
