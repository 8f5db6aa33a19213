"""Results as a table and as JSON."""

import json
from collections import Counter
from collections.abc import Sequence

from wordcount.records import Counts, Result

TOTAL = "total"


def as_table(results: Sequence[Result], top: int = 0) -> str:
    """One line per source, a total if there are several, and the `top` words."""
    rows = list(results)
    if len(rows) > 1:
        rows.append(Result(TOTAL, total_of(results)))
    cells = [
        [str(row.counts.lines), str(row.counts.words), str(row.counts.characters)]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        " ".join(cell.rjust(width) for cell, width in zip(numbers, widths, strict=True))
        + f" {row.name}"
        for row, numbers in zip(rows, cells, strict=True)
    ]
    frequent = most_frequent(total_of(results).frequencies, top)
    if frequent:
        lines += ["", *(f"{count:>5} {word}" for word, count in frequent)]
    return "\n".join(lines)


def as_json(results: Sequence[Result], top: int = 0) -> str:
    """The same as a JSON document."""
    total = total_of(results)
    document: dict[str, object] = {
        "sources": [
            {"name": result.name, **_numbers(result.counts)} for result in results
        ],
        "total": _numbers(total),
    }
    if top:
        document["top"] = [
            {"word": word, "count": count}
            for word, count in most_frequent(total.frequencies, top)
        ]
    return json.dumps(document, indent=2, ensure_ascii=False)


def total_of(results: Sequence[Result]) -> Counts:
    """The counts of all results together."""
    return sum((result.counts for result in results), Counts())


def most_frequent(frequencies: Counter[str], top: int) -> list[tuple[str, int]]:
    """The `top` words with their counts; equally frequent ones in alphabetical order."""
    return sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))[:top]


def _numbers(counts: Counts) -> dict[str, int]:
    return {
        "lines": counts.lines,
        "words": counts.words,
        "characters": counts.characters,
    }
