"""API descriptions as a list of what can be called."""

import json
from functools import partial
from typing import Any

import pytest
import yaml

from codegod_fetch.reader.openapi import read_api
from codegod_fetch.reader.request import Unreadable
from codegod_fetch.reading import Api

from .conftest import Web, data, page, said

URL = "http://site.test/openapi"
TODO = {
    "type": "object",
    "required": ["id", "title"],
    "properties": {
        "id": {"type": "integer", "format": "int64"},
        "title": {"type": "string"},
        "state": {"enum": ["open", "done"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "owner": {"$ref": "#/components/schemas/User"},
    },
}
THREE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Todos", "version": "2"},
    "servers": [{"url": "https://api.example.com/v2"}],
    "security": [{"bearer": []}],
    "paths": {
        "/todos": {
            "get": {
                "operationId": "listTodos",
                "summary": "All todos",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"$ref": "#/components/parameters/Trace"},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Todo"}}
                            }
                        }
                    },
                    "default": {"description": "An error"},
                },
            },
            "post": {
                "security": [],
                "deprecated": True,
                "requestBody": {"$ref": "#/components/requestBodies/NewTodo"},
                "responses": {"201": {"$ref": "#/components/responses/Made"}},
            },
        },
        "/todos/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "delete": {"description": "Away\nwith it", "responses": {"204": {"description": "Gone"}}},
        },
    },
    "components": {
        "schemas": {
            "Todo": TODO,
            "User": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}},
        },
        "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}},
        "requestBodies": {
            "NewTodo": {
                "content": {
                    "application/json": {
                        "schema": {
                            "allOf": [
                                {"$ref": "#/components/schemas/Todo"},
                                {"properties": {"draft": {"type": "boolean"}}},
                            ]
                        }
                    }
                }
            }
        },
        "responses": {"Made": {"description": "Made"}},
    },
}
TODO_WORDS = (
    "Todo {id: integer (int64), title: string, state?: 'open' | 'done', tags?: [string], owner?: User}"
)
TWO: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Old", "version": 1},
    "host": "old.example.com",
    "basePath": "/api",
    "schemes": ["https"],
    "paths": {
        "/pets": {
            "post": {
                "parameters": [
                    {"in": "body", "name": "pet", "schema": {"$ref": "#/definitions/Pet"}},
                    {"in": "query", "name": "dry", "type": "boolean", "required": True},
                ],
                "responses": {200: {"description": "ok", "schema": {"$ref": "#/definitions/Pet"}}},
            },
            "put": {
                "parameters": [
                    {"in": "formData", "name": "name", "type": "string", "required": True},
                    {"in": "formData", "name": "photo", "type": "file"},
                ],
                "responses": {},
            },
        }
    },
    "definitions": {"Pet": {"properties": {"name": {"type": "string"}}}},
}


@pytest.mark.parametrize("write", [json.dumps, partial(yaml.safe_dump, sort_keys=False)])
async def test_version_three_is_listed(web: Web, write: Any) -> None:
    web.site.replies["/openapi"] = page(write(THREE), "text/plain")
    api = data(await web.call("fetch_openapi", url=URL))
    operations = {f"{one['method']} {one['path']}": one for one in api.pop("operations")}
    assert api == {
        "url": URL,
        "title": "Todos",
        "version": "2",
        "servers": ["https://api.example.com/v2"],
        "total": 3,
        "next_cursor": "",
    }
    assert operations["GET /todos"] == {
        "method": "GET",
        "path": "/todos",
        "operation_id": "listTodos",
        "summary": "All todos",
        "parameters": ["limit (query, integer)", "X-Trace (header, string)"],
        "body": "",
        "responses": [
            "200: [Todo {id: integer (int64), title: string, state?: 'open' | 'done', tags?: [string], owner?: User}]",
            "default: An error",
        ],
        "security": ["bearer"],
        "deprecated": False,
    }
    posted = operations["POST /todos"]
    assert posted["body"].startswith("Todo {id: integer (int64), title: string, state?: 'open' | 'done'")
    assert posted["body"].endswith("& {draft?: boolean}")
    assert (posted["responses"], posted["security"], posted["deprecated"]) == (["201: Made"], [], True)
    deleted = operations["DELETE /todos/{id}"]
    assert deleted["parameters"] == ["id (path, integer, required)"]
    assert (deleted["summary"], deleted["responses"]) == ("Away with it", ["204: Gone"])


@pytest.mark.parametrize("write", [json.dumps, partial(yaml.safe_dump, sort_keys=False)])
async def test_version_two_is_listed(web: Web, write: Any) -> None:
    web.site.replies["/openapi"] = page(write(TWO), "application/yaml")
    api = data(await web.call("fetch_openapi", url=URL))
    assert (api["version"], api["servers"]) == ("1", ["https://old.example.com/api"])
    put, post = api["operations"]
    assert (post["body"], post["parameters"]) == ("Pet {name?: string}", ["dry (query, boolean, required)"])
    assert post["responses"] == ["200: Pet {name?: string}"]
    assert put["body"] == "{name: string, photo?: file}"


async def test_a_large_api_comes_in_pieces_within_the_cap_and_is_read_once(web: Web) -> None:
    fields = {f"a_field_with_a_long_name_{number}": {"type": "string"} for number in range(100)}
    operation = {"requestBody": {"content": {"application/json": {"schema": {"properties": fields}}}}}
    paths = {f"/things/{number}": {"get": operation, "put": operation} for number in range(300)}
    web.site.replies["/openapi"] = page(json.dumps({"openapi": "3.0.0", "paths": paths}), "application/json")
    seen, cursor = [], ""
    while True:
        api = data(await web.call("fetch_openapi", url=URL, cursor=cursor))
        assert api["total"] == 600
        seen += [(one["path"], one["method"]) for one in api["operations"]]
        if not (cursor := api["next_cursor"]):
            break
    assert seen == [(path, method) for path in paths for method in ("GET", "PUT")]
    assert web.site.paths() == ["/openapi"]


async def test_one_file_is_read_as_a_page_and_as_an_api_with_one_download(web: Web) -> None:
    web.site.replies["/openapi"] = page(json.dumps(TWO), "application/json")
    assert (await web.page(URL))["text"] == json.dumps(TWO)
    assert data(await web.call("fetch_openapi", url=URL))["total"] == 2
    assert web.site.paths() == ["/openapi"]


@pytest.mark.parametrize("body", ["<!doctype html><p>docs", "[" * 100_000, "- " * 20_000])
async def test_anything_else_is_refused_by_name(web: Web, body: str) -> None:
    web.site.replies["/openapi"] = page(body, "application/json")
    result = await web.call("fetch_openapi", url=URL)
    assert result.is_error
    assert "no OpenAPI description" in said(result)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"openapi":',
        "openapi: [",
        "just words",
        "- a\n- b",
        '{"info": {}}',
        "a: !!python/object/apply:os.system [id]",
        "openapi: &a {paths: *a",
        "\x07\x01",
    ],
)
def test_no_document_but_a_description_is_read(body: str) -> None:
    with pytest.raises(Unreadable):
        read_api(body)


@pytest.mark.parametrize(
    "odd",
    [
        {
            "paths": {
                "/a": {"get": None, "put": [], "post": {"parameters": {}, "responses": [], "requestBody": 3}}
            }
        },
        {"paths": {"/a": {"post": {"parameters": [None, 1, {"$ref": "#/nowhere"}, {"$ref": "http://x/"}]}}}},
        {"paths": {"/a": {"post": {"responses": {"200": {"content": {"application/json": {"schema": 7}}}}}}}},
        {"paths": {"/a": {"$ref": "#/paths/~1a"}, "/b": {"post": {}}}},
        {"paths": {"/a": {"post": {"security": [None, {}, "x"]}}}, "servers": "x", "info": []},
        {"paths": {1: {"post": {"summary": {"a": 1}, "operationId": ["x"], "deprecated": "yes"}}}},
    ],
)
def test_odd_parts_are_passed_over(odd: dict[str, Any]) -> None:
    answer = read_api(yaml.safe_dump({"openapi": "3.0.0", **odd}))
    assert [one.method for one in Api.model_validate(answer).operations] == ["POST"]


async def test_schemas_that_contain_themselves_and_aliases_that_multiply_end(web: Web) -> None:
    bomb = "\n".join(f"x{n + 1}: &x{n + 1} [{', '.join([f'*x{n}'] * 9)}]" for n in range(20))
    web.site.replies["/openapi"] = page(
        f"""
openapi: 3.0.0
x0: &x0 [ha]
{bomb}
info: {{title: *x20, version: 1}}
paths:
  /a:
    get:
      summary: *x20
      responses:
        200: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/Node'}}}}}}}}
        201: {{content: {{application/json: {{schema: &self {{allOf: [*self, *self, *self]}}}}}}}}
components:
  schemas:
    Node: {{properties: {{next: {{$ref: '#/components/schemas/Node'}}, list: {{items: &deep {{items: *deep}}}}}}}}
""",
        "application/yaml",
    )
    api = data(await web.call("fetch_openapi", url=URL))
    assert api["title"] == ""
    assert api["operations"][0]["responses"][0] == "200: Node {next?: Node, list?: [[[[…]]]]}"
