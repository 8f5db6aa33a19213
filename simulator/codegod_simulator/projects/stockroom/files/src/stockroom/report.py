"""The report of what runs low."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from stockroom.articles import Article

HEADER = ("sku", "name", "quantity", "minimum", "lacking")


def low_stock(articles: Iterable[Article]) -> list[Article]:
    """The articles below their minimum, those that lack most first, then by sku."""
    low = [article for article in articles if article.lacking > 0]
    return sorted(low, key=lambda article: (-article.lacking, article.sku))


def as_text(articles: Iterable[Article]) -> str:
    """A table with a header and aligned columns, or a sentence when nothing is low; ends with a line break."""
    rows = _rows(articles)
    if not rows:
        return "Nothing runs low.\n"
    table = [HEADER, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADER))]
    lines = (
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    )
    return "".join(f"{line}\n" for line in lines)


def as_csv(articles: Iterable[Article]) -> str:
    """The same as CSV with a header; every line ends with a line feed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_rows(articles))
    return out.getvalue()


def _rows(articles: Iterable[Article]) -> list[tuple[str, ...]]:
    return [
        (
            article.sku,
            article.name,
            str(article.quantity),
            str(article.minimum),
            str(article.lacking),
        )
        for article in low_stock(articles)
    ]
