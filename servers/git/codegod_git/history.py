"""Commits as records: read from their objects, so that no configuration changes what is said."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from codegod_git.names import split_trailer
from codegod_git.objects import object_sizes, read_objects
from codegod_git.records import CommitRecord
from codegod_git.runner import Git

# Four times what a long message has; the rest would crowd out the other commits of a page.
BODY_LIMIT_CHARS = 4_000
SUBJECT_LIMIT_CHARS = 300
# Three times what any project of ours writes.
_TRAILERS_LIMIT = 30
_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^<>]*)> (?P<seconds>-?[0-9]+) [+-][0-9]{4}")
_UNPRINTABLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t\r"} | {127: 0x2421}


async def read_commits(git: Git, ids: Sequence[str]) -> list[CommitRecord]:
    """The commits `ids`, in that order. Where the history is cut off, a commit has no parents."""
    found = {name: data async for name, data in read_objects(git, await object_sizes(git, ids))}
    cut = await anyio.to_thread.run_sync(_cut_off, git.git_dir / "shallow")
    records = [parse_commit(name, found[name]) for name in ids]
    return [one.model_copy(update={"parents": []}) if one.id in cut else one for one in records]


def _cut_off(shallow: Path) -> frozenset[str]:
    try:
        return frozenset(shallow.read_text("ascii").split())
    except FileNotFoundError:
        return frozenset()


def parse_commit(name: str, data: bytes) -> CommitRecord:
    """The commit object `data`, whose id is `name`."""
    head, _, message = data.partition(b"\n\n")
    headers = head.decode("utf-8", "replace").split("\n")
    person = _PERSON.fullmatch(_header(headers, "author"))
    committed = _PERSON.fullmatch(_header(headers, "committer"))
    text = printable(message.decode("utf-8", "replace").strip())
    subject, _, body = text.partition("\n")
    body = body.strip()
    return CommitRecord(
        id=name,
        tree=_header(headers, "tree"),
        parents=[line.split(" ", 1)[1] for line in headers if line.startswith("parent ")],
        author=printable(person["name"]) if person else "",
        email=printable(person["email"]) if person else "",
        date=_date(committed["seconds"]) if committed else "",
        subject=subject[:SUBJECT_LIMIT_CHARS],
        body=body if len(body) <= BODY_LIMIT_CHARS else f"{body[:BODY_LIMIT_CHARS]}…",
        trailers=trailers(text),
    )


def trailers(message: str) -> dict[str, str]:
    """The `Key: value` lines of the last paragraph, if it has nothing else and is not the first."""
    paragraphs = message.strip().split("\n\n")
    if len(paragraphs) < 2:
        return {}
    pairs = [split_trailer(line) for line in paragraphs[-1].split("\n")]
    return {} if None in pairs else dict(pair for pair in pairs[:_TRAILERS_LIMIT] if pair is not None)


def printable(text: str) -> str:
    """`text` with control characters shown as pictures (`␛`), so that it can neither clear a screen nor forge lines."""
    return text.translate(_UNPRINTABLE)


def _header(headers: list[str], name: str) -> str:
    return next((line.removeprefix(f"{name} ") for line in headers if line.startswith(f"{name} ")), "")


def _date(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
