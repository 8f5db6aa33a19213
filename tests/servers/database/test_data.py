import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import ollama
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from codegod_database import build_server
from codegod_database.engine import Budget
from codegod_database.statements import execute, query, statement
from codegod_kit import ServerSettings

from .conftest import ITEMS, Call, Connect


def databases_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.db"))


async def test_rows_come_with_names_and_types_and_parameters_are_data(database: Call) -> None:
    sql = "SELECT id, name, NULL AS void, 1.5 AS half, x'00ff' AS bytes FROM items WHERE name = ? OR id = ? ORDER BY id"
    found = await database("db_query", sql=sql, parameters=["n1'; DROP TABLE items;--", 3], database="t")
    assert found.pop("seconds") >= 0
    assert found == {
        "columns": [
            {"name": "id", "type": "integer"},
            {"name": "name", "type": "text"},
            {"name": "void", "type": "null"},
            {"name": "half", "type": "real"},
            {"name": "bytes", "type": "blob"},
        ],
        "rows": [[3, "n2", None, 1.5, "x'00ff'"]],
        "next_cursor": "",
    }


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "VALUES (1)",
        "/* comment */ SELECT 1",
        "SELECT 1;",
        "EXPLAIN SELECT 1",
        "PRAGMA table_info('items')",
        "SELECT name FROM pragma_table_info('items')",
        "SELECT json_extract('{\"a\": 1}', '$.a')",
        "PRAGMA user_version",
        "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5) SELECT x FROM c",
        "SELECT row_number() OVER (ORDER BY name) FROM items",
    ],
)
async def test_everything_that_only_reads_is_read(database: Call, sql: str) -> None:
    assert (await database("db_query", sql=sql, database="t"))["rows"]


async def test_pages_follow_each_other_without_gaps(database: Call) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        page = await database(
            "db_query", sql="SELECT id FROM items ORDER BY id", database="t", limit=7, cursor=cursor
        )
        seen += [row[0] for row in page["rows"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        other = await database("db_query", sql="SELECT name FROM items", database="t", cursor=cursor)
        assert "does not continue" in other["fault"]
    assert seen == list(range(1, 51))


async def test_a_statement_changes_all_or_nothing(database: Call) -> None:
    made = await database("db_execute", sql="CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT UNIQUE)")
    assert (made["created"], made["database"]) == (True, "scratch")
    added = await database(
        "db_execute",
        sql="INSERT INTO todos (title) VALUES (?), (?) RETURNING id, title",
        parameters=["a", None],
    )
    assert (added["changes"], added["rows"], added["created"]) == (2, [[1, "a"], [2, None]], False)
    fault = (await database("db_execute", sql="INSERT INTO todos (title) VALUES ('b'), ('a')"))["fault"]
    assert "UNIQUE constraint failed: todos.title" in fault
    assert (await database("db_query", sql="SELECT count(*) FROM todos"))["rows"] == [[2]]
    assert "`destructive`" in (await database("db_execute", sql="DROP TABLE todos"))["fault"]
    assert "fault" not in await database("db_execute", sql="DROP TABLE todos", destructive=True)
    assert (await database("db_schema"))["tables"] == []


async def test_foreign_keys_are_kept(database: Call) -> None:
    await database("db_execute", sql="CREATE TABLE a (id INTEGER PRIMARY KEY)")
    await database("db_execute", sql="CREATE TABLE b (a REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)")
    assert "FOREIGN KEY" in (await database("db_execute", sql="INSERT INTO b VALUES (7)"))["fault"]
    assert (await database("db_query", sql="SELECT count(*) FROM b"))["rows"] == [[0]]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([[1]], "Parameter 1 is a list"),
        ([1, {"a": 1}], "Parameter 2 is an object"),
        ([2**63], "Parameter 1 is an integer of more than 64 bits"),
        ([], "SQLite says"),
        ([1, 2], "SQLite says"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(
    database: Call, parameters: list[Any], said: str
) -> None:
    assert said in (await database("db_query", sql="SELECT ?", parameters=parameters, database="t"))["fault"]


async def test_the_schema_says_everything_about_a_table(database: Call) -> None:
    for sql in (
        "CREATE TABLE lists (id INTEGER PRIMARY KEY)",
        "CREATE TABLE todos (id INTEGER PRIMARY KEY, list INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE, "
        "title TEXT NOT NULL DEFAULT 'x')",
        "CREATE UNIQUE INDEX by_title ON todos (title, lower(title))",
        "CREATE TRIGGER noted AFTER INSERT ON todos BEGIN UPDATE todos SET title = title; END",
        "CREATE VIEW titles AS SELECT title FROM todos",
        "CREATE VIRTUAL TABLE words USING fts5 (word)",
    ):
        assert "fault" not in await database("db_execute", sql=sql)
    tables = {table["name"]: table for table in (await database("db_schema"))["tables"]}
    assert {name: table["kind"] for name, table in tables.items()} == {
        "lists": "table",
        "titles": "view",
        "todos": "table",
        "words": "virtual",
    }
    todos = tables["todos"]
    assert todos.pop("sql").startswith("CREATE TABLE todos")
    assert todos == {
        "name": "todos",
        "kind": "table",
        "columns": [
            {"name": "id", "type": "INTEGER", "not_null": False, "default": None, "primary_key": 1},
            {"name": "list", "type": "INTEGER", "not_null": True, "default": None, "primary_key": 0},
            {"name": "title", "type": "TEXT", "not_null": True, "default": "'x'", "primary_key": 0},
        ],
        "indexes": [{"name": "by_title", "unique": True, "columns": ["title", "(expression)"]}],
        "foreign_keys": [
            {"columns": ["list"], "table": "lists", "references": ["id"], "on_delete": "CASCADE"}
        ],
        "triggers": ["noted"],
    }
    assert [table["name"] for table in (await database("db_schema", table="TODOS"))["tables"]] == ["todos"]
    assert (await database("db_query", sql="SELECT * FROM words WHERE words MATCH 'x'"))["rows"] == []


async def test_a_plan_names_the_tables_that_are_scanned_and_runs_nothing(database: Call, root: Path) -> None:
    plan = await database(
        "db_explain", sql="SELECT * FROM items WHERE name = ?", parameters=["x"], database="t"
    )
    assert plan["scans"] == ["SCAN items"]
    plan = await database("db_explain", sql="DELETE FROM items WHERE id = 1", database="t")
    assert (plan["scans"], len(plan["steps"])) == ([], 1)
    before = (root / "t.db").read_bytes()
    for sql in ("DELETE FROM items", "DROP TABLE items", "VACUUM INTO 'x'", "SELECT 1; DELETE FROM items"):
        await database("db_explain", sql=sql, database="t")
    assert (root / "t.db").read_bytes() == before


async def test_databases_are_listed_and_an_unknown_one_names_those_there_are(
    database: Call, root: Path
) -> None:
    (root / "notes.txt").write_text("x", encoding="utf-8")
    assert [one["name"] for one in (await database("db_list"))["databases"]] == ["t"]
    fault = (await database("db_query", sql="SELECT 1"))["fault"]
    assert "no database 'scratch'" in fault
    assert "'t'" in fault
    assert (await database("db_query", sql="SELECT 1", database="t.db"))["rows"] == [[1]]


async def test_a_file_that_is_no_database_says_so(database: Call, root: Path) -> None:
    (root / "bad.db").write_text("not a database, but long enough to be looked at\n" * 50, encoding="utf-8")
    for tool, arguments in [("db_query", {"sql": "SELECT * FROM x"}), ("db_schema", {})]:
        assert (
            "'bad' cannot be read as a SQLite database"
            in (await database(tool, database="bad", **arguments))["fault"]
        )


async def test_a_database_in_wal_mode_is_read_while_another_program_writes(
    database: Call, root: Path
) -> None:
    with closing(sqlite3.connect(root / "wal.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE a (x)")
        other.execute("INSERT INTO a VALUES (1)")
        other.commit()
        other.execute("INSERT INTO a VALUES (2)")
        assert (await database("db_query", sql="SELECT x FROM a", database="wal"))["rows"] == [[1]]


async def test_what_a_killed_program_left_half_written_is_taken_back_before_reading(
    database: Call, root: Path
) -> None:
    with closing(sqlite3.connect(root / "t.db", isolation_level=None)) as other:
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO items (name) SELECT hex(zeroblob(500)) FROM items a, items b")
        # As they lie on the disk at this moment: pages of an unfinished transaction, and the journal to undo it.
        (root / "killed.db").write_bytes((root / "t.db").read_bytes())
        (root / "killed.db-journal").write_bytes((root / "t.db-journal").read_bytes())
        other.execute("ROLLBACK")
    assert (root / "killed.db").stat().st_size > (root / "t.db").stat().st_size
    for tool, arguments in (("db_schema", {}), ("db_query", {"sql": "SELECT count(*) FROM items"})):
        answer = await database(tool, database="killed", **arguments)
        assert "fault" not in answer
    assert answer["rows"] == [[ITEMS]]


async def test_a_locked_database_is_named(
    database: Call, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegod_database.engine._BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(root / "t.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        fault = (await database("db_execute", sql="DELETE FROM items", database="t"))["fault"]
    assert "'t' was locked" in fault


async def test_every_attempt_of_a_build_has_its_own_databases(connect: Connect, tmp_path: Path) -> None:
    async with (
        connect("b1", workspace="b1/storage.2") as second,
        connect("b1", workspace="b1/storage.3") as third,
        connect("b1", workspace="b1/*", task="api") as task,
        connect("b2", workspace="b2/storage.2") as other,
    ):
        await second("db_execute", sql="CREATE TABLE a (x)")
        for call in (third, task, other):
            assert (await call("db_list"))["databases"] == []
            assert "There are: none yet" in (await call("db_query", sql="SELECT 1"))["fault"]
        await task("db_execute", sql="CREATE TABLE a (x)")
        assert [one["name"] for one in (await second("db_list"))["databases"]] == ["scratch"]
    assert {str(path.relative_to(tmp_path / "builds")) for path in databases_in(tmp_path)} == {
        "b1/scratch/storage.2/scratch.db",
        "b1/scratch/api/scratch.db",
    }


async def test_a_grant_whose_names_are_paths_opens_nothing(connect: Connect, tmp_path: Path) -> None:
    for build, changes in [("../x", {}), ("b1", {"task": "../../x"}), ("b1", {"workspace": "b1/../x"})]:
        async with connect(build, **changes) as call:
            assert "names no folder" in (await call("db_execute", sql="CREATE TABLE a (x)"))["fault"]
    assert databases_in(tmp_path) == []


async def test_a_scratch_folder_that_is_a_link_is_refused(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "builds/b1").mkdir(parents=True)
    (tmp_path / "builds/b1/scratch").symlink_to(tmp_path / "elsewhere")
    async with connect("b1", workspace="b1/main") as call:
        assert "link" in (await call("db_execute", sql="CREATE TABLE a (x)"))["fault"]
    assert os.listdir(tmp_path / "elsewhere") == []


VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.booleans()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_any_value_comes_back_as_it_was_given(root: Path, values: list[Any]) -> None:
    marks = ", ".join("?" * len(values))
    page = query(root / "t.db", statement(f"SELECT {marks}", values), 0, 1, Budget(5))
    assert page.rows == [
        [str(value) if value in (float("inf"), float("-inf")) else value for value in values]
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from("abc '\"`[]();-/*\n\t"), max_size=40))
def test_no_text_gets_past_the_reader(root: Path, text: str) -> None:
    """Whatever a query is made of, the items are all there afterwards."""
    before = (root / "t.db").read_bytes()
    for head, tail in (
        ("SELECT ", " DELETE FROM items"),
        ("", " DELETE FROM items"),
        ("", ";DROP TABLE items"),
    ):
        sql = head + text + tail
        try:
            query(root / "t.db", statement(sql, []), 0, 10, Budget(5))
        except Exception as error:  # noqa: BLE001 - the kind is what is looked at
            assert type(error).__module__ == "codegod_database.faults", repr(error)
    assert (root / "t.db").read_bytes() == before


def test_a_statement_without_time_changes_nothing(root: Path) -> None:
    before = (root / "t.db").read_bytes()
    with pytest.raises(Exception, match="was stopped"):
        execute(
            root / "t.db",
            "rw",
            statement("INSERT INTO items (name) SELECT a.name FROM items a, items b, items c", []),
            destructive=False,
            budget=Budget(0),
        )
    assert (root / "t.db").read_bytes() == before


async def test_every_tool_can_be_given_to_a_small_model(tmp_path: Path) -> None:
    async with Client(build_server(ServerSettings(root=tmp_path, state=tmp_path))) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [
        "db_list", "db_schema", "db_explain", "db_query", "db_execute", "db_migrate",
    ]  # fmt: skip
    for tool in tools:
        assert tool.annotations is not None
        assert tool.output_schema is not None
        assert "Example:" in (tool.description or "") or not tool.input_schema["properties"]
        schema = {"type": "function", "function": {"name": tool.name, "parameters": tool.input_schema}}
        survived = ollama.Tool.model_validate(schema).model_dump(exclude_none=True)["function"]["parameters"]
        for name, wanted in tool.input_schema["properties"].items():
            assert survived["properties"][name]["type"] == wanted["type"]
            assert not {"anyOf", "$ref", "oneOf"} & wanted.keys()


async def test_the_migration_in_the_readme_holds(database: Call, root: Path) -> None:
    readme = Path(__file__).parents[3] / "servers/database/README.md"
    example = readme.read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    (root / "migrations").mkdir()
    (root / "migrations/0001_todos.sql").write_text(example, encoding="utf-8")
    assert len((await database("db_migrate", direction="check"))["steps"]) == 3
