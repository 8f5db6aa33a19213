"""The command: arguments in, report out."""

import argparse
import sys
from collections.abc import Sequence

from wordcount.counting import count
from wordcount.records import Result
from wordcount.report import as_json, as_table
from wordcount.sources import STANDARD_INPUT, find_sources, open_source


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; 0, or 1 when a source could not be read."""
    options = _parser().parse_args(arguments)
    results: list[Result] = []
    failed = False
    for name in find_sources(options.paths or [STANDARD_INPUT]):
        try:
            with open_source(name) as stream:
                results.append(Result(name, count(stream)))
        except OSError as error:
            print(f"wordcount: {name}: {error.strerror}", file=sys.stderr)
            failed = True
    if results:
        show = as_json if options.json else as_table
        print(show(results, options.top))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wordcount", description="Count lines, words and characters in text files."
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, folders, or - for standard input (the default)",
    )
    parser.add_argument(
        "--top",
        type=_natural,
        default=0,
        metavar="N",
        help="list the N most frequent words as well",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return int(text)
