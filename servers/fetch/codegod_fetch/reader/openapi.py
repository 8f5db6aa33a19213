"""An OpenAPI 3 or Swagger 2 description, as a list of what can be called."""

import json
from collections.abc import Iterator
from typing import Any, cast

import yaml

from codegod_fetch.reader.request import Unreadable
from codegod_fetch.reader.schemas import Schemas
from codegod_fetch.reader.text import clean_line, scalar

# The largest public descriptions have about a thousand.
_OPERATIONS = 5000
_LINE_CHARS = 300
_NAME_CHARS = 200
_PARAMETERS = 40
_RESPONSES = 12
_SERVERS = 10
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

Mapping = dict[str, Any]


def read_api(text: str) -> dict[str, object]:
    """The answer for a description; raises `Unreadable` for anything else."""
    document = _load(text)
    if not isinstance(document, dict) or not ("openapi" in document or "swagger" in document):
        raise Unreadable("it has no `openapi` or `swagger` field")
    info = _mapping(document.get("info"))
    return {
        "title": clean_line(scalar(info.get("title")), _LINE_CHARS),
        "version": clean_line(scalar(info.get("version")), _NAME_CHARS),
        "servers": list(_servers(document))[:_SERVERS],
        "operations": [
            operation for operation, _ in zip(_operations(document), range(_OPERATIONS), strict=False)
        ],
    }


def _load(text: str) -> object:
    try:
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text)
        # The C parser is ten times faster, where PyYAML was built with it.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (ValueError, yaml.YAMLError, OverflowError) as error:
        raise Unreadable("it is neither JSON nor YAML") from error


def _operations(document: Mapping) -> Iterator[Mapping]:
    schemas = Schemas(document)
    common = document.get("security")
    for path, raw in _mapping(document.get("paths")).items():
        item = schemas.resolve(raw)
        for method in _METHODS:
            if isinstance(item.get(method), dict):
                yield _operation(schemas, method, path, item, item[method], common)


def _operation(
    schemas: Schemas, method: str, path: object, item: Mapping, operation: Mapping, common: object
) -> Mapping:
    parameters = [
        schemas.resolve(raw) for raw in _list(item.get("parameters")) + _list(operation.get("parameters"))
    ]
    # An operation's parameter replaces the path's one of the same name and place.
    unique = list({(scalar(one.get("in")), scalar(one.get("name"))): one for one in parameters}.values())
    return {
        "method": method.upper(),
        "path": clean_line(scalar(path), _LINE_CHARS),
        "operation_id": clean_line(scalar(operation.get("operationId")), _NAME_CHARS),
        "summary": clean_line(scalar(operation.get("summary") or operation.get("description")), _LINE_CHARS),
        "parameters": [
            _parameter(schemas, one) for one in unique if one.get("in") not in ("body", "formData")
        ][:_PARAMETERS],
        "body": _body(schemas, operation, unique),
        "responses": _responses(schemas, operation),
        "security": _security(operation.get("security", common)),
        "deprecated": operation.get("deprecated") is True,
    }


def _parameter(schemas: Schemas, parameter: Mapping) -> str:
    schema = parameter.get("schema") or next(iter(_content(parameter).values()), parameter)
    required = ", required" if parameter.get("required") is True else ""
    return clean_line(
        f"{scalar(parameter.get('name'))} ({scalar(parameter.get('in'))}, {schemas.describe(schema)}{required})",
        _LINE_CHARS,
    )


def _body(schemas: Schemas, operation: Mapping, parameters: list[Mapping]) -> str:
    described = _described(schemas, _content(schemas.resolve(operation.get("requestBody"))))
    if described:
        return described
    for one in parameters:
        if one.get("in") == "body":
            return schemas.describe(one.get("schema"))
    form = {scalar(one.get("name")): one for one in parameters if one.get("in") == "formData"}
    required = [name for name, one in form.items() if one.get("required") is True]
    return schemas.describe({"properties": form, "required": required}) if form else ""


def _responses(schemas: Schemas, operation: Mapping) -> list[str]:
    described = []
    for status, raw in _mapping(operation.get("responses")).items():
        response = schemas.resolve(raw)
        content = _described(schemas, _content(response))
        if not content and "schema" in response:
            content = schemas.describe(response["schema"])
        words = content or clean_line(scalar(response.get("description")), _NAME_CHARS)
        described.append(clean_line(f"{scalar(status)}: {words}", schemas.limit))
    return described[:_RESPONSES]


def _content(holder: Mapping) -> Mapping:
    """Media types and their schemas."""
    return {
        scalar(kind): _mapping(one).get("schema") for kind, one in _mapping(holder.get("content")).items()
    }


def _described(schemas: Schemas, content: Mapping) -> str:
    """The JSON form if there is one, else the first; JSON is what one expects, so only others are named."""
    for kind, schema in content.items():
        if "json" in kind:
            return schemas.describe(schema)
    for kind, schema in content.items():
        return clean_line(f"{kind} {schemas.describe(schema)}", schemas.limit)
    return ""


def _security(requirements: object) -> list[str]:
    names = [" + ".join(scalar(name) for name in _mapping(one)) for one in _list(requirements)]
    return [clean_line(name or "none", _NAME_CHARS) for name in names][:_SERVERS]


def _servers(document: Mapping) -> Iterator[str]:
    for server in _list(document.get("servers")):
        yield clean_line(scalar(_mapping(server).get("url")), _LINE_CHARS)
    if "swagger" in document and document.get("host"):
        schemes = [scalar(one) for one in _list(document.get("schemes"))[:_SERVERS]] or ["https"]
        for scheme in schemes:
            yield clean_line(
                f"{scheme}://{scalar(document['host'])}{scalar(document.get('basePath'))}", _LINE_CHARS
            )


def _mapping(value: object) -> Mapping:
    return cast(Mapping, value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
