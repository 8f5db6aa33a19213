import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_database.splitting import Sql, split

PIECES = st.sampled_from(
    [
        "CREATE TABLE a (b);", "INSERT INTO a VALUES (';');", "INSERT INTO a VALUES ('it''s; fine');", "-- one; two\n",
        "/* ; */", "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DELETE FROM a; END;",
        "SELECT \"a;b\", [c;d], `e;f` FROM a;", "\n", " ", ";", "create temp trigger u before delete on a begin select 1; end;",
        "EXPLAIN SELECT 1;",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_every_statement_is_complete_and_none_is_lost(script: str) -> None:
    statements = list(split(script))
    for one in statements:
        assert sqlite3.complete_statement(one.text)
        assert one.text in script
        assert script.splitlines()[one.line - 1].strip()
    assert script.count("INSERT") == sum(one.text.count("INSERT") for one in statements)


@given(st.text(alphabet=st.sampled_from("ab;'\"`[]-/*\n "), max_size=60))
def test_whatever_the_text_is_nothing_but_blanks_and_comments_is_left_out(script: str) -> None:
    position = 0
    for one in split(script):
        position = script.index(one.text, position) + len(one.text)
    assert position <= len(script)


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        ("  -- only a comment\n", []),
        (";;", []),
        ("-- a\nSELECT 1;\n\nSELECT\n2", [Sql(2, "SELECT 1;"), Sql(4, "SELECT\n2")]),
        ("SELECT 'unended; SELECT 2;", [Sql(1, "SELECT 'unended; SELECT 2;")]),
    ],
)
def test_lines_are_counted_from_the_first(script: str, statements: list[Sql]) -> None:
    assert list(split(script)) == statements


def test_a_trigger_with_thousands_of_statements_is_parted_in_time() -> None:
    body = "DELETE FROM a;" * 20_000
    script = f"CREATE TRIGGER t AFTER INSERT ON a BEGIN {body} END; SELECT 1;"
    assert [one.text[:6] for one in split(script)] == ["CREATE", "SELECT"]
