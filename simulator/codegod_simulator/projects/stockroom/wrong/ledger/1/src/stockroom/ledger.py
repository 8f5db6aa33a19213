"""All stock, in one SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from stockroom.articles import Article, Movement
from stockroom.database import connect, open_database
from stockroom.errors import ArticleExists, TooLittleStock, UnknownArticle


def utc_now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


class Ledger:
    """Articles and their movements. Every operation has a connection of its own: any thread may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._now = now

    @classmethod
    def open(cls, path: Path, migrations: Path) -> Ledger:
        """The ledger in the file `path`, brought to the schema in `migrations`."""
        open_database(path, migrations).close()
        return cls(path)

    def add(self, article: Article) -> Article:
        """Take up a new article, with nothing of it there yet; raises ArticleExists."""
        with self._transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO articles (sku, name, minimum) VALUES (?, ?, ?)",
                    (article.sku, article.name, article.minimum),
                )
            except sqlite3.IntegrityError as error:
                raise ArticleExists(article.sku) from error
            return _find(connection, article.sku)

    def article(self, sku: str) -> Article:
        """The article with this sku; raises UnknownArticle."""
        with closing(connect(self._path)) as connection:
            return _find(connection, sku)

    def articles(self) -> list[Article]:
        """All articles by sku."""
        with closing(connect(self._path)) as connection:
            rows = connection.execute("SELECT * FROM articles ORDER BY sku").fetchall()
        return [_article(row) for row in rows]

    def move(self, sku: str, change: int, reason: str = "") -> Article:
        """Let `change` pieces come in (above 0) or go out (below 0); the article as it is then.

        Raises UnknownArticle, or TooLittleStock when more should go out than there is.
        """
        with self._transaction() as connection:
            there = _find(connection, sku).quantity
            if there + change <= 0:
                raise TooLittleStock(sku, -change, there)
            connection.execute(
                "UPDATE articles SET quantity = quantity + ? WHERE sku = ?",
                (change, sku),
            )
            connection.execute(
                "INSERT INTO movements (sku, change, reason, at) VALUES (?, ?, ?, ?)",
                (sku, change, reason, self._now().isoformat()),
            )
            return _find(connection, sku)

    def movements(self, sku: str, limit: int = 100) -> list[Movement]:
        """The newest `limit` movements of an article, newest first; raises UnknownArticle."""
        with closing(connect(self._path)) as connection:
            _find(connection, sku)
            rows = connection.execute(
                "SELECT * FROM movements WHERE sku = ? ORDER BY id DESC LIMIT ?",
                (sku, limit),
            ).fetchall()
        return [_movement(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection that holds the write lock, and whose work counts as a whole or not at all."""
        with closing(connect(self._path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _find(connection: sqlite3.Connection, sku: str) -> Article:
    row = connection.execute("SELECT * FROM articles WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise UnknownArticle(sku)
    return _article(row)


def _article(row: sqlite3.Row) -> Article:
    return Article(row["sku"], row["name"], row["minimum"], row["quantity"])


def _movement(row: sqlite3.Row) -> Movement:
    return Movement(
        row["sku"], row["change"], row["reason"], datetime.fromisoformat(row["at"])
    )
