"""The command line for the warehouse."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from stockroom.articles import Article, parse_article, parse_change
from stockroom.errors import StockroomError
from stockroom.ledger import Ledger
from stockroom.report import as_csv, as_text
from stockroom.settings import Settings


def main(
    argv: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """Do what the arguments say; the exit status, 1 after an error that stderr names in one line."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.from_environment(
            os.environ if environment is None else environment
        )
        if arguments.command == "serve":
            _serve(settings)
        else:
            ledger = Ledger.open(settings.database, settings.migrations)
            sys.stdout.write(_answer(ledger, arguments))
    except (StockroomError, ValueError) as error:
        print(f"stockroom: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stockroom", description="The stock of a small warehouse."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="take up an article")
    add.add_argument("sku")
    add.add_argument("name")
    add.add_argument("--minimum", type=int, default=0)
    for command, text in (("receive", "pieces came in"), ("take", "pieces go out")):
        move = commands.add_parser(command, help=text)
        move.add_argument("sku")
        move.add_argument("count", type=int)
        move.add_argument("--reason", default="")
    show = commands.add_parser("show", help="one article, or all")
    show.add_argument("sku", nargs="?")
    report = commands.add_parser("report", help="what runs low")
    report.add_argument("--csv", action="store_true")
    commands.add_parser("serve", help="run the REST API")
    return parser


def _answer(ledger: Ledger, arguments: argparse.Namespace) -> str:
    if arguments.command == "add":
        values = {
            "sku": arguments.sku,
            "name": arguments.name,
            "minimum": arguments.minimum,
        }
        return f"Added {_line(ledger.add(parse_article(values)))}"
    if arguments.command == "receive":
        return f"Received: {_line(_move(ledger, arguments, 1))}"
    if arguments.command == "take":
        return f"Taken: {_line(_move(ledger, arguments, -1))}"
    if arguments.command == "report":
        return (as_csv if arguments.csv else as_text)(ledger.articles())
    articles = (
        [ledger.article(arguments.sku)] if arguments.sku else ledger.articles()
    )
    return "".join(_line(article) for article in articles)


def _move(ledger: Ledger, arguments: argparse.Namespace, sign: int) -> Article:
    if arguments.count < 1:
        raise ValueError(f"{arguments.count} is no number of pieces: use 1 or more")
    values = {"change": sign * arguments.count, "reason": arguments.reason}
    change, reason = parse_change(values)
    return ledger.move(arguments.sku, change, reason)


def _line(article: Article) -> str:
    return f"{article.sku} {article.name}: {article.quantity} there, {article.minimum} wanted at least\n"


def _serve(settings: Settings) -> None:
    import uvicorn  # the other commands start faster without it

    from stockroom.app import create_app

    uvicorn.run(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    sys.exit(main())
