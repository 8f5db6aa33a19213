"""JSON schemas in a few words, as one writes them on a whiteboard: `Todo {id: integer, title: string, done?: boolean}`."""

from typing import Any
from urllib.parse import unquote

from codegod_fetch.reader.text import clean_line, scalar

# A schema of a schema of a schema is read by nobody, and a short line by everybody.
_DEPTH = 3
_LISTS = 2
_LIMIT_CHARS = 600
_PROPERTIES = 40
_CHOICES = 10
# How many references lead on to another before it is a circle.
_HOPS = 10


class Schemas:
    """Describes the schemas of one document, whose references it follows."""

    limit = _LIMIT_CHARS

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def resolve(self, value: object) -> dict[str, Any]:
        """`value`, or what its `$ref` points at in this document; empty for what is not there."""
        for _ in range(_HOPS):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._find(reference)
        return {}

    def describe(self, schema: object) -> str:
        """One line about `schema`."""
        return clean_line(self._words(schema, _DEPTH), _LIMIT_CHARS)

    def _find(self, reference: str) -> object:
        if not reference.startswith("#/"):
            return {}
        value: object = self._document
        for step in reference[2:].split("/"):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _words(self, schema: object, depth: int) -> str:
        if not isinstance(schema, dict) or not schema:
            return "any"
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            inside = self._words(self.resolve(schema), depth - 1) if depth > 1 else ""
            return f"{name} {inside}" if inside.startswith("{") else name
        return self._combined(schema, depth) or self._plain(schema, depth)

    def _combined(self, schema: dict[str, Any], depth: int) -> str:
        for key, sign in (("allOf", " & "), ("oneOf", " | "), ("anyOf", " | ")):
            parts = schema.get(key)
            if isinstance(parts, list) and parts:
                if depth <= 0:
                    return "…"
                return sign.join(self._words(part, depth - 1) for part in parts[:_CHOICES])
        return ""

    def _plain(self, schema: dict[str, Any], depth: int) -> str:
        choices = schema.get("enum")
        if isinstance(choices, list):
            more = " | …" if len(choices) > _CHOICES else ""
            return " | ".join(_choice(choice) for choice in choices[:_CHOICES]) + more
        if "properties" in schema or schema.get("type") == "object":
            return self._object(schema, depth)
        if "items" in schema:
            # A list of something plain costs nothing to tell; a list of lists of lists may have no end.
            return f"[{self._words(schema['items'], depth - 1)}]" if depth > -_LISTS else "[…]"
        return _type(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> str:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            return "object"
        if depth <= 0:
            return "{…}"
        required = schema.get("required")
        known = {scalar(name) for name in required} if isinstance(required, list) else set()
        fields = [
            f"{scalar(name)}{'' if scalar(name) in known else '?'}: {self._words(value, depth - 1)}"
            for name, value in list(properties.items())[:_PROPERTIES]
        ]
        more = ["…"] if len(properties) > _PROPERTIES else []
        return f"{{{', '.join(fields + more)}}}"


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "any")
    names = " | ".join(scalar(one) for one in kind[:_CHOICES]) if isinstance(kind, list) else scalar(kind)
    style = schema.get("format")
    return f"{names} ({scalar(style)})" if style else names


def _choice(value: object) -> str:
    return repr(value) if isinstance(value, str) else scalar(value) or "null"
