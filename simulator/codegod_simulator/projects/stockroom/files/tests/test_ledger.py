"""All stock, in one SQLite database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockroom.articles import Article, Movement
from stockroom.errors import ArticleExists, TooLittleStock, UnknownArticle
from stockroom.ledger import Ledger
from stockroom.settings import MIGRATIONS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NUT = Article("NUT-8", "Nut M8", 50)


def open_ledger(folder: Path) -> Ledger:
    return Ledger.open(folder / "stock.db", MIGRATIONS)


def test_an_article_is_kept(tmp_path: Path) -> None:
    assert open_ledger(tmp_path).add(NUT) == NUT
    assert open_ledger(tmp_path).article("NUT-8") == NUT


def test_a_new_article_has_no_pieces(tmp_path: Path) -> None:
    added = open_ledger(tmp_path).add(Article("AB", "x", 1, 99))
    assert added.quantity == 0


def test_articles_come_by_sku(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    for sku in ("CC", "AA", "BB"):
        ledger.add(Article(sku, "x"))
    assert [article.sku for article in ledger.articles()] == ["AA", "BB", "CC"]


def test_a_sku_is_taken_once(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.add(NUT)
    with pytest.raises(ArticleExists, match="NUT-8"):
        ledger.add(Article("NUT-8", "Another"))
    assert ledger.article("NUT-8").name == "Nut M8"


def test_what_is_unknown_is_said(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    with pytest.raises(UnknownArticle, match="NOPE"):
        ledger.article("NOPE")
    with pytest.raises(UnknownArticle, match="NOPE"):
        ledger.move("NOPE", 1)
    with pytest.raises(UnknownArticle, match="NOPE"):
        ledger.movements("NOPE")


def test_pieces_come_in_and_go_out(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.add(NUT)
    assert ledger.move("NUT-8", 10, "delivery").quantity == 10
    assert ledger.move("NUT-8", -4, "sold").quantity == 6
    changes = [
        (movement.change, movement.reason) for movement in ledger.movements("NUT-8")
    ]
    assert changes == [(-4, "sold"), (10, "delivery")]


def test_more_than_there_is_does_not_go_out(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.add(NUT)
    ledger.move("NUT-8", 3)
    with pytest.raises(TooLittleStock, match="4 of 'NUT-8' are wanted and 3 are there"):
        ledger.move("NUT-8", -4)
    assert ledger.article("NUT-8").quantity == 3
    assert ledger.move("NUT-8", -3).quantity == 0


def test_movements_have_the_time_of_the_clock(tmp_path: Path) -> None:
    open_ledger(tmp_path).add(NUT)
    ledger = Ledger(tmp_path / "stock.db", now=lambda: NOON)
    ledger.move("NUT-8", 2, "found")
    assert ledger.movements("NUT-8") == [Movement("NUT-8", 2, "found", NOON)]


def test_only_the_newest_movements_are_listed(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.add(NUT)
    for change in (1, 2, 3):
        ledger.move("NUT-8", change)
    newest = ledger.movements("NUT-8", limit=2)
    assert [movement.change for movement in newest] == [3, 2]


def test_the_last_piece_goes_to_one(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.add(NUT)
    ledger.move("NUT-8", 1)

    def take(_: int) -> bool:
        try:
            ledger.move("NUT-8", -1)
        except TooLittleStock:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == [False, False, False, True]
    assert sum(movement.change for movement in ledger.movements("NUT-8")) == 0
