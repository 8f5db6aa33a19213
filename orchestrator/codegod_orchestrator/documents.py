"""Evidence for documents: every relative link and every file named as one leads to a file of the tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from codegod_orchestrator.toolset import Desk
from codegod_workers import Finding

_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^)\s#]+)(?:#[^)\s]*)?\)")
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.DOTALL | re.MULTILINE)


async def broken_links(desk: Desk, documents: Sequence[str]) -> tuple[Finding, ...]:
    """A finding for each relative link of `documents` that leads nowhere."""
    found: list[Finding] = []
    for document in documents:
        text = (await desk.call("sandbox.file_read", {"path": document})).text
        for target in relative_links(document, text):
            if await desk.maybe("sandbox.file_info", {"path": target}) is None:
                message = f"it links to {target!r}, which does not exist"
                found.append(Finding(stage="links", path=document, message=message))
    return tuple(found)


def relative_links(document: str, text: str) -> tuple[str, ...]:
    """The targets of the relative links in `text`, as paths from the project's root, in order, once each."""
    folder = PurePosixPath(document).parent
    targets = [match["target"] for match in _LINK.finditer(_FENCED.sub("", text))]
    inside = [
        str(folder / target)
        for target in targets
        if "://" not in target and not target.startswith(("/", "mailto:"))
    ]
    return tuple(dict.fromkeys(path for path in inside if ".." not in PurePosixPath(path).parts))
