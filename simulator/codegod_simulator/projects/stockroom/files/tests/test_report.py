"""The report of what runs low."""

from stockroom.articles import Article
from stockroom.report import as_csv, as_text, low_stock

ENOUGH = Article("AA", "Washer", 5, 5)
LITTLE = Article("NUT-8", "Nut, M8", 50, 20)
LEAST = Article("BOLT", "Bolt", 100, 0)
ALSO = Article("BELT", "Belt", 100, 0)


def test_those_that_lack_most_come_first() -> None:
    assert low_stock([ENOUGH, LITTLE, LEAST, ALSO]) == [ALSO, LEAST, LITTLE]


def test_the_table_is_aligned() -> None:
    assert as_text([LITTLE, LEAST, ENOUGH]).splitlines() == [
        "sku    name     quantity  minimum  lacking",
        "BOLT   Bolt     0         100      100",
        "NUT-8  Nut, M8  20        50       30",
    ]


def test_nothing_low_is_one_sentence() -> None:
    assert as_text([ENOUGH]) == "Nothing runs low.\n"


def test_csv_quotes_what_needs_it() -> None:
    assert as_csv([ENOUGH, LITTLE]) == (
        'sku,name,quantity,minimum,lacking\nNUT-8,"Nut, M8",20,50,30\n'
    )


def test_csv_has_a_header_even_without_rows() -> None:
    assert as_csv([]) == "sku,name,quantity,minimum,lacking\n"
