import os
from pathlib import Path
from typing import Any

import anyio
import pytest

from .conftest import Call, Connect

TODOS = "-- migrate:up\nCREATE TABLE todos (\n    id INTEGER PRIMARY KEY,\n    title TEXT NOT NULL\n);\n-- migrate:down\nDROP TABLE todos;\n"
DONE = (
    "-- migrate:up\nALTER TABLE todos ADD COLUMN done INTEGER NOT NULL DEFAULT 0;\nCREATE INDEX by_done ON todos (done);\n"
    "-- migrate:down\nDROP INDEX by_done;\nALTER TABLE todos DROP COLUMN done;\n"
)
TRIGGER = (
    "-- migrate:up\nCREATE TABLE log (id INTEGER);\n"
    "CREATE TRIGGER noted AFTER INSERT ON todos BEGIN INSERT INTO log VALUES (new.id); SELECT 1; END;\n"
    "-- migrate:down\nDROP TRIGGER noted;\nDROP TABLE log;\n"
)


@pytest.fixture
def folder(root: Path) -> Path:
    made = root / "migrations"
    made.mkdir()
    return made


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(content, encoding="utf-8")


async def tables(database: Call) -> set[str]:
    return {table["name"] for table in (await database("db_schema"))["tables"]}


async def test_migrations_go_up_in_order_once_and_down_one_at_a_time(database: Call, folder: Path) -> None:
    write(folder, m0001_todos=TODOS, m0002_done=DONE, m0010_log=TRIGGER)
    report = await database("db_migrate")
    assert report == {
        "database": "scratch",
        "direction": "up",
        "dry_run": False,
        "steps": [
            {"file": "0001_todos.sql", "direction": "up", "statements": 1},
            {"file": "0002_done.sql", "direction": "up", "statements": 2},
            {"file": "0010_log.sql", "direction": "up", "statements": 2},
        ],
        "applied": ["0001_todos.sql", "0002_done.sql", "0010_log.sql"],
    }
    assert await tables(database) == {"todos", "log"}
    assert (await database("db_migrate"))["steps"] == []
    down = await database("db_migrate", direction="down")
    assert [step["file"] for step in down["steps"]] == ["0010_log.sql"]
    assert (await database("db_migrate", direction="down", steps=5))["applied"] == []
    assert await tables(database) == set()
    assert (await database("db_migrate", steps=2))["applied"] == ["0001_todos.sql", "0002_done.sql"]


async def test_a_failing_migration_is_taken_back_whole_and_named_with_its_line(
    database: Call, folder: Path
) -> None:
    broken = "-- migrate:up\nCREATE TABLE half (a);\n\n-- a comment\nINSERT INTO nowhere VALUES (1);\n-- migrate:down\n"
    write(folder, m0001_todos=TODOS, m0002_broken=broken)
    fault = (await database("db_migrate"))["fault"]
    assert fault.startswith("0002_broken.sql:5: SQLite says: no such table: nowhere.")
    assert "Done before it, and kept: 0001_todos.sql." in fault
    assert await tables(database) == {"todos"}
    write(folder, m0002_broken=DONE)
    assert (await database("db_migrate"))["applied"] == ["0001_todos.sql", "0002_broken.sql"]


async def test_a_dry_run_tries_everything_and_changes_nothing(
    database: Call, folder: Path, root: Path
) -> None:
    write(folder, m0001_todos=TODOS, m0002_done=DONE)
    report = await database("db_migrate", dry_run=True)
    assert ([step["file"] for step in report["steps"]], report["applied"]) == (
        ["0001_todos.sql", "0002_done.sql"],
        [],
    )
    assert not (root / "scratch.db").exists()
    await database("db_migrate", steps=1)
    before = (root / "scratch.db").read_bytes()
    assert [step["file"] for step in (await database("db_migrate", dry_run=True))["steps"]] == [
        "0002_done.sql"
    ]
    assert (await database("db_migrate", direction="down", dry_run=True))["applied"] == ["0001_todos.sql"]
    write(folder, m0002_done="-- migrate:up\nSELECT x;\n-- migrate:down\n")
    assert "0002_done.sql:2" in (await database("db_migrate", dry_run=True))["fault"]
    assert (root / "scratch.db").read_bytes() == before


async def test_a_check_that_holds_says_so_and_leaves_no_database(
    database: Call, folder: Path, root: Path
) -> None:
    write(folder, m0001_todos=TODOS, m0002_done=DONE, m0003_log=TRIGGER)
    report = await database("db_migrate", direction="check")
    assert report["applied"] == []
    assert [step["direction"] for step in report["steps"]] == ["up"] * 3 + ["down"] * 3 + ["up"] * 3
    assert sorted(os.listdir(root)) == ["migrations", "t.db"]


@pytest.mark.parametrize(
    ("second", "finding"),
    [
        (DONE.replace("DROP INDEX by_done;\n", ""), {"line": 5, "message": "SQLite says: error in index by_done"}),
        (DONE.replace("ALTER TABLE todos DROP COLUMN done;\n", ""), {"line": 4, "message": "table 'todos' differs after its way down"}),
        ("-- migrate:up\nCREATE VIEW v AS SELECT 1;\n-- migrate:down\n", {"line": 3, "message": "view 'v' is left over after its way down"}),
        ("-- migrate:up\n-- migrate:down\nDROP TABLE todos;\n", {"line": 2, "message": "table 'todos' is missing after its way down"}),
        ("-- migrate:up\nDROP TABLE todos;\n-- migrate:down\nCREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT);\n", {"line": 3, "message": "table 'todos' differs"}),
        ("-- migrate:up\nCREATE TABLE todos (id);\n-- migrate:down\nDROP TABLE todos;\n", {"line": 2, "message": "SQLite says: table todos already exists"}),
        ("-- migrate:up\nSELECT 1\n", {"line": 1, "message": "`-- migrate:down`"}),
        ("-- migrate:down\n-- migrate:up\n", {"line": 2, "message": "`-- migrate:up` and after it"}),
        ("CREATE TABLE a (b);\n-- migrate:up\n-- migrate:down\n", {"line": 1, "message": "stands before"}),
        ("-- migrate:up\nBEGIN;\nCOMMIT;\n-- migrate:down\n", {"line": 2, "message": "BEGIN, COMMIT or ROLLBACK is refused"}),
        ("-- migrate:up\nATTACH 'x.db' AS x;\n-- migrate:down\n", {"line": 2, "message": "ATTACH"}),
        ("-- migrate:up\nPRAGMA writable_schema = ON;\n-- migrate:down\n", {"line": 2, "message": "PRAGMA writable_schema is refused"}),
        ("-- migrate:up\nDELETE FROM codegod_migrations;\n-- migrate:down\n", {"line": 2, "message": "codegod_migrations is refused"}),
        ("-- migrate:up\nCREATE TABLE c (t REFERENCES todos (id));\nINSERT INTO c VALUES (99);\n-- migrate:down\n", {"line": 3, "message": "rows of 'c' refer to rows of 'todos'"}),
    ],
)  # fmt: skip
async def test_a_check_finds_what_is_wrong_and_where(
    database: Call, folder: Path, second: str, finding: dict[str, Any]
) -> None:
    write(folder, m0001_todos=TODOS, m0002_second=second)
    report = await database("db_migrate", direction="check")
    first = report["fault"].splitlines()[0]
    assert first.startswith(f"0002_second.sql:{finding['line']}: ")
    assert finding["message"] in first


async def test_a_check_names_everything_that_a_way_back_leaves(database: Call, folder: Path) -> None:
    write(
        folder,
        m0001_todos=TODOS.replace("DROP TABLE todos;", ""),
        m0002_log=TRIGGER.replace("DROP TABLE log;", ""),
    )
    assert (await database("db_migrate", direction="check"))["fault"].splitlines() == [
        "0002_log.sql:4: table 'log' is left over after its way down",
        "0001_todos.sql:6: table 'todos' is left over after its way down",
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"m1_todos": TODOS}, "1_todos.sql:1: a migration is called like"),
        ({"m0001_Todos": TODOS}, "a migration is called like"),
        ({"m0001_a": TODOS, "m0001_b": DONE}, "two migrations have the number 0001"),
        ({}, "no migration in 'migrations'"),
    ],
)
async def test_a_folder_that_is_no_row_of_migrations_is_refused(
    database: Call, folder: Path, files: dict[str, str], said: str
) -> None:
    write(folder, **files)
    assert said in (await database("db_migrate"))["fault"]


async def test_applied_migrations_are_not_rewritten_removed_or_overtaken(
    database: Call, folder: Path
) -> None:
    write(folder, m0002_todos=TODOS)
    await database("db_migrate")
    write(folder, m0002_todos=TODOS.replace("\n", "\r\n"))
    assert (await database("db_migrate"))["steps"] == []
    write(folder, m0001_early=TRIGGER)
    assert "give this one a higher number" in (await database("db_migrate"))["fault"]
    (folder / "0001_early.sql").unlink()
    write(folder, m0002_todos=TODOS.replace("title", "name"))
    assert "was changed after it was applied" in (await database("db_migrate", direction="down"))["fault"]
    (folder / "0002_todos.sql").rename(folder / "0003_todos.sql")
    assert "its file is gone" in (await database("db_migrate"))["fault"]


async def test_two_callers_at_once_apply_each_migration_once(database: Call, folder: Path) -> None:
    write(
        folder,
        **{
            f"m{number:04}_t": f"-- migrate:up\nCREATE TABLE t{number} (a);\n-- migrate:down\n"
            for number in range(12)
        },
    )
    reports: list[dict[str, Any]] = []

    async def run() -> None:
        reports.append(await database("db_migrate"))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(run)
    assert [report.get("fault") for report in reports] == [None] * 3
    assert sorted(step["file"] for report in reports for step in report["steps"]) == [
        f"{n:04}_t.sql" for n in range(12)
    ]


async def test_a_rebuilt_table_keeps_its_references(database: Call, folder: Path) -> None:
    rebuild = (
        "-- migrate:up\nCREATE TABLE new (id INTEGER PRIMARY KEY, title TEXT);\nINSERT INTO new SELECT id, title FROM todos;\n"
        "DROP TABLE todos;\nALTER TABLE new RENAME TO todos;\n-- migrate:down\n"
    )
    child = "-- migrate:up\nCREATE TABLE notes (todo REFERENCES todos (id));\n-- migrate:down\nDROP TABLE notes;\n"
    write(folder, m0001_todos=TODOS, m0002_notes=child)
    await database("db_migrate")
    await database("db_execute", sql="INSERT INTO todos VALUES (1, 'a')")
    await database("db_execute", sql="INSERT INTO notes VALUES (1)")
    write(folder, m0003_rebuild=rebuild)
    assert len((await database("db_migrate"))["steps"]) == 1
    assert (await database("db_query", sql="SELECT todo FROM notes"))["rows"] == [[1]]


@pytest.mark.long
async def test_an_endless_migration_is_stopped(
    database: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegod_database.migrate_tool._SECONDS", 0.3)
    endless = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;"
    write(folder, m0001_endless=f"-- migrate:up\n{endless}\n-- migrate:down\n")
    for direction in ("up", "check"):
        assert "was stopped after" in (await database("db_migrate", direction=direction))["fault"]


async def test_a_build_migrates_its_own_tree_on_its_own_database(connect: Connect, tmp_path: Path) -> None:
    folder = tmp_path / "builds/b1/trees/storage.2/db"
    folder.mkdir(parents=True)
    write(folder, m0001_todos=TODOS)
    async with connect("b1", workspace="b1/storage.2") as call:
        assert (await call("db_migrate", directory="db/"))["applied"] == ["0001_todos.sql"]
        assert "fault" not in await call(
            "db_migrate", workspace="b1/storage.2", directory="db", direction="check"
        )
        assert "not granted" in (await call("db_migrate", workspace="b1/other"))["fault"]
        for directory in ("../..", "/etc", "nowhere"):
            assert "fault" in await call("db_migrate", directory=directory)
    assert not (folder / "scratch.db").exists()
