"""What was done to other database servers, done to this one."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from .conftest import ITEMS, Call, items


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP TABLE items",
        "SELECT 1; COMMIT; DELETE FROM items",
        "-- SELECT\nDELETE FROM items",
        "/* SELECT */ UPDATE items SET name = 'x'",
        "WITH gone AS (SELECT 1) DELETE FROM items",
        "INSERT INTO items (name) VALUES ('x') RETURNING id",
        "REPLACE INTO items VALUES (1, 'x')",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "ALTER TABLE items ADD COLUMN x",
        "DROP TABLE items",
        "UPDATE sqlite_master SET sql = 'x'",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "PRAGMA user_version = 7",
        "PRAGMA database_list",
        "PRAGMA temp_store_directory = '/tmp'",
        "ATTACH DATABASE 'x.db' AS x",
        "DETACH DATABASE main",
        "VACUUM",
        "BEGIN",
        "SAVEPOINT x",
        "REINDEX",
        "ANALYZE",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT fts3_tokenizer('simple', x'0011223344556677')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'y')",
        "EXPLAIN DELETE FROM items",
        "SELEC 1",
        "",
        " ; ",
        "-- nothing",
        "SELECT 1\0; DROP TABLE items",
        "SELECT * FROM nowhere",
        "SELECT ?",
        "SELECT 'unended",
    ],
)
async def test_a_query_that_is_not_one_read_is_an_error_and_changes_nothing(
    database: Call, root: Path, sql: str
) -> None:
    before = (root / "t.db").read_bytes()
    fault = (await database("db_query", sql=sql, database="t"))["fault"]
    assert "\n" not in fault.strip()
    assert (root / "t.db").read_bytes() == before
    assert os.listdir(root) == ["t.db"]
    assert (await database("db_query", sql="SELECT 1", database="t"))["rows"] == [[1]]


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{outside}/pwn.db' AS p",
        "VACUUM INTO '{outside}/dump.db'",
        "VACUUM",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = OFF",
        "UPDATE sqlite_schema SET sql = 'x'",
        "DELETE FROM sqlite_master",
        "BEGIN EXCLUSIVE",
        "COMMIT",
        "DROP TABLE items",
        "DROP TABLE IF EXISTS items",
        "CREATE TEMP TABLE x (y)",
        "CREATE VIRTUAL TABLE x USING dbstat",
        "CREATE VIRTUAL TABLE x USING csv(filename='{outside}/secret.txt')",
        "INSERT INTO items (name) SELECT readfile('{outside}/secret.txt')",
        "DELETE FROM items; SELECT 1",
        "ALTER TABLE items DROP COLUMN name",
        "CREATE TABLE codegod_migrations (x)",
    ],
)
async def test_a_write_stays_in_its_database_and_leaves_nothing_open(
    database: Call, root: Path, outside: Path, sql: str
) -> None:
    assert "fault" in await database("db_execute", sql=sql.format(outside=outside), database="t")
    assert os.listdir(outside) == ["secret.txt"]
    assert items(root) == ITEMS
    assert (await database("db_execute", sql="DELETE FROM items WHERE id = 1", database="t"))["changes"] == 1


async def test_a_trigger_cannot_do_later_what_its_maker_may_not(database: Call, root: Path) -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON items BEGIN SELECT load_extension('x'); END"
    await database("db_execute", sql=trigger, database="t")
    fault = (await database("db_execute", sql="INSERT INTO items (name) VALUES ('x')", database="t"))["fault"]
    assert "load_extension() is refused" in fault
    assert items(root) == ITEMS


@pytest.mark.parametrize("tool", ["db_query", "db_execute", "db_explain", "db_schema", "db_migrate"])
@pytest.mark.parametrize(
    "name",
    ["../outside/x", "/etc/passwd", "a/b", ".hidden", "", "x\0", "x" * 65, "file:t.db?mode=rwc", "t.db-wal/"],
)
async def test_a_database_is_a_name_and_never_a_path(
    database: Call, root: Path, outside: Path, tool: str, name: str
) -> None:
    (root / "migrations").mkdir()
    (root / "migrations/0001_a.sql").write_text("-- migrate:up\n-- migrate:down\n", encoding="utf-8")
    arguments = {} if tool in ("db_schema", "db_migrate") else {"sql": "SELECT 1"}
    assert "is no database name" in (await database(tool, database=name, **arguments))["fault"]
    assert sorted(os.listdir(root)) == ["migrations", "t.db"]
    assert os.listdir(outside) == ["secret.txt"]


@pytest.mark.parametrize("tool", ["db_query", "db_execute"])
async def test_links_are_never_followed(database: Call, root: Path, outside: Path, tool: str) -> None:
    with closing(sqlite3.connect(outside / "other.db")) as connection:
        connection.execute("CREATE TABLE canary (v)")
    (root / "link.db").symlink_to(outside / "other.db")
    (root / "new.db").symlink_to(outside / "new.db")
    os.link(outside / "other.db", root / "hard.db")
    os.mkfifo(root / "pipe.db")
    (root / "t.db-journal").symlink_to(outside / "journal")
    for name in ("link", "new", "hard", "pipe", "t"):
        fault = (await database(tool, sql="SELECT * FROM canary", database=name))["fault"]
        assert "link" in fault or "pipe" in fault
    assert sorted(os.listdir(outside)) == ["other.db", "secret.txt"]


@pytest.mark.parametrize(
    "table", ["items); DROP TABLE items; --", "items' OR 1=1", "sqlite_schema", "ITEMS\0"]
)
async def test_a_table_name_is_data(database: Call, root: Path, table: str) -> None:
    assert "There is no table" in (await database("db_schema", database="t", table=table))["fault"]
    assert items(root) == ITEMS


ENDLESS = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegod_database.statement_tools.STATEMENT_SECONDS", 0.3)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("tool", "sql"),
    [
        ("db_query", ENDLESS),
        ("db_query", "SELECT count(*) FROM items a, items b, items c, items d, items e"),
        ("db_execute", f"INSERT INTO items (name) {ENDLESS}"),
    ],
)
async def test_what_never_ends_is_stopped_and_other_calls_go_on(
    database: Call, root: Path, tool: str, sql: str
) -> None:
    answers: list[str] = []

    async def endless() -> None:
        answers.append((await database(tool, sql=sql, database="t"))["fault"])

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3 if tool == "db_query" else 1):
                tasks.start_soon(endless)
            await anyio.lowlevel.checkpoint()
            assert (await database("db_query", sql="SELECT 2", database="t"))["rows"] == [[2]]
            assert not answers
    assert all("was stopped after" in answer for answer in answers)
    assert items(root) == ITEMS


async def test_a_call_that_is_given_up_stops_computing_and_changes_nothing(
    database: Call, root: Path
) -> None:
    with anyio.fail_after(8):
        with anyio.move_on_after(0.2):
            await database("db_execute", sql=f"INSERT INTO items (name) {ENDLESS}", database="t")
        # The lock is free again long before the statement's own limit.
        assert (await database("db_execute", sql="DELETE FROM items WHERE id = 1", database="t"))[
            "changes"
        ] == 1
    assert items(root) == ITEMS - 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT hex(zeroblob(400000000))",
        "SELECT randomblob(900000000)",
        "SELECT group_concat(a.name || b.name || c.name) FROM items a, items b, items c",
        "SELECT replace(hex(zeroblob(400000)), '0', 'xxxxxxxxxx')",
        "SELECT hex(randomblob(200000))",
    ],
)
async def test_a_value_that_is_made_huge_is_refused(database: Call, sql: str) -> None:
    assert "is the most" in (await database("db_query", sql=sql, database="t"))["fault"]


async def test_the_widest_printed_value_is_bounded(database: Call) -> None:
    answer = await database("db_query", sql="SELECT printf('%.*c', 100000000, 'x')", database="t")
    assert len(json.dumps(answer)) < 1_000


async def test_endless_rows_are_given_in_bounded_pages(database: Call) -> None:
    sql = "SELECT a.*, b.*, hex(zeroblob(500)) FROM items a, items b, items c"
    page = await database("db_query", sql=sql, database="t", limit=1000)
    assert len(json.dumps(page)) < 60_000
    assert 10 < len(page["rows"]) < 1000
    assert page["next_cursor"]


async def test_a_database_does_not_grow_without_end(
    database: Call, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegod_database.engine.DATABASE_LIMIT_BYTES", 200_000)
    sql = "INSERT INTO items (name) SELECT hex(zeroblob(100)) FROM items a, items b"
    assert "200000 bytes" in (await database("db_execute", sql=sql, database="t"))["fault"]
    assert items(root) == ITEMS
