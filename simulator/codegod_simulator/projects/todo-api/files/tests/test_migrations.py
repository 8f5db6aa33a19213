"""The schema, and how a database gets it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from todo.migrations import BrokenMigration, apply_migrations, statements_up
from todo.settings import MIGRATIONS


def connect(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path / "test.db", isolation_level=None))


def write(folder: Path, name: str, up: str) -> None:
    text = f"-- migrate:up\n{up}\n-- migrate:down\nDROP TABLE gone;\n"
    (folder / name).write_text(text, encoding="utf-8")


def tables(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in found}


def test_the_schema_has_the_columns_of_a_todo(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        assert apply_migrations(connection, MIGRATIONS) == ["0001_create_todos.sql"]
        columns = connection.execute("SELECT name FROM pragma_table_info('todos')")
        assert [name for (name,) in columns] == [
            "id",
            "title",
            "notes",
            "done",
            "due",
            "created_at",
            "updated_at",
        ]


@pytest.mark.parametrize(("title", "done"), [("", 0), ("x" * 201, 0), ("x", 2)])
def test_the_schema_refuses_what_is_no_todo(
    tmp_path: Path, title: str, done: int
) -> None:
    with connect(tmp_path) as connection:
        apply_migrations(connection, MIGRATIONS)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(
                "INSERT INTO todos (title, done, created_at, updated_at)"
                " VALUES (?, ?, '', '')",
                (title, done),
            )


def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    write(tmp_path, "0002_more.sql", "ALTER TABLE a ADD COLUMN y;")
    write(tmp_path, "0001_first.sql", "CREATE TABLE a (x);\nCREATE TABLE b (x);")
    (tmp_path / "notes.txt").write_text("not a migration", encoding="utf-8")
    with connect(tmp_path) as connection:
        assert apply_migrations(connection, tmp_path) == [
            "0001_first.sql",
            "0002_more.sql",
        ]
        assert apply_migrations(connection, tmp_path) == []
        assert {"a", "b"} <= tables(connection)


def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, "0001_bad.sql", "CREATE TABLE a (x);\nCREATE TABLE a (x);")
    with connect(tmp_path) as connection:
        with pytest.raises(BrokenMigration, match="0001_bad.sql"):
            apply_migrations(connection, tmp_path)
        assert "a" not in tables(connection)
        write(tmp_path, "0001_bad.sql", "CREATE TABLE a (x);")
        assert apply_migrations(connection, tmp_path) == ["0001_bad.sql"]


def test_a_semicolon_in_a_text_ends_nothing(tmp_path: Path) -> None:
    write(tmp_path, "0001_text.sql", "CREATE TABLE a (x DEFAULT ';\n;');")
    with connect(tmp_path) as connection:
        apply_migrations(connection, tmp_path)
        connection.execute("INSERT INTO a DEFAULT VALUES")
        assert connection.execute("SELECT x FROM a").fetchone() == (";\n;",)


@pytest.mark.parametrize("text", ["CREATE TABLE a (x);", "x\n-- migrate:up\n"])
def test_a_file_without_its_mark_is_refused(text: str) -> None:
    with pytest.raises(BrokenMigration, match="-- migrate:up"):
        statements_up("0001_odd.sql", text)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        with pytest.raises(BrokenMigration, match="nowhere"):
            apply_migrations(connection, tmp_path / "nowhere")
