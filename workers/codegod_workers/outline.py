"""What a worker needs to know of a file that it only calls: public signatures and what they promise, not bodies.

The text is cut, never printed anew: comments, docstrings and their indentation are the author's. Where a body was, a `...`
stands. What is private goes, unless what is public refers to it.
"""

from __future__ import annotations

from codegod_workers.go_outline import go_outline
from codegod_workers.languages import language_of
from codegod_workers.python_outline import python_outline
from codegod_workers.script_outline import script_outline


def outline(path: str, text: str, *, inside: bool = False) -> str:
    """`text` without bodies, private parts and unused imports; what cannot be read so comes as it is.

    `inside`: for somebody who writes in the same folder, who in Go may use what is private as well.
    """
    match language_of(path):
        case "python":
            return python_outline(path, text)
        case "script":
            return script_outline(path, text)
        case "go":
            return go_outline(path, text, inside=inside)
        case _:
            return text
