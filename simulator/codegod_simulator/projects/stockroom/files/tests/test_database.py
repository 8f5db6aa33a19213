"""The database file and its schema."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stockroom.database import connect, open_database
from stockroom.settings import MIGRATIONS


def migration(folder: Path, name: str, up: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(
        f"-- migrate:up\n{up}\n-- migrate:down\nSELECT 1;\n", encoding="utf-8"
    )


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row["name"] for row in rows}


def test_the_schema_has_articles_and_movements(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "x.db", MIGRATIONS)) as connection:
        assert {"articles", "movements"} <= tables(connection)


def test_a_movement_needs_its_article(tmp_path: Path) -> None:
    insert = (
        "INSERT INTO movements (sku, change, reason, at) VALUES ('AB', 1, '', 'now')"
    )
    with closing(open_database(tmp_path / "x.db", MIGRATIONS)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            connection.execute(insert)


def test_a_migration_is_applied_once(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    migration(folder, "1.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);")
    open_database(tmp_path / "x.db", folder).close()
    migration(folder, "2.sql", "INSERT INTO a VALUES (2);")
    with closing(open_database(tmp_path / "x.db", folder)) as connection:
        rows = connection.execute("SELECT x FROM a ORDER BY x").fetchall()
    assert [row["x"] for row in rows] == [1, 2]


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    migration(folder, "1.sql", "CREATE TABLE a (x);")
    migration(folder, "2.sql", "CREATE TABLE b (x);\nCREATE TABLE a (x);")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_database(tmp_path / "x.db", folder)
    with closing(connect(tmp_path / "x.db")) as connection:
        assert "b" not in tables(connection)
        names = [
            row["name"] for row in connection.execute("SELECT name FROM applied")
        ]
    assert names == ["1.sql"]


def test_a_semicolon_may_stand_inside_a_statement(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    migration(folder, "1.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES ('1;\n2');")
    with closing(open_database(tmp_path / "x.db", folder)) as connection:
        assert connection.execute("SELECT x FROM a").fetchone()["x"] == "1;\n2"
