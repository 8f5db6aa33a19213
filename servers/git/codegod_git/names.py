"""What may be said to name a revision, a ref, a path, a trailer; everything else is refused before git sees it."""

import re
import unicodedata

from codegod_git.faults import BadName

# Longer names hit file name limits (255 bytes) once git makes a lock file of them.
_REF_LIMIT_CHARS = 200
# As long as the longest path that Linux opens.
_PATH_LIMIT_BYTES = 4096
# A commit message is read by people and by models: a few pages at most.
_MESSAGE_LIMIT_CHARS = 16_000
_STEPS = re.compile(r"(?:[~^][0-9]{0,4}){1,8}$")
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,63}): ([^\x00-\x1f\x7f]{1,500})")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Characters that HFS+ drops from names, so that `.g\u200cit` is `.git` on a Mac.
_HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def require_revision(text: str) -> str:
    """`text` if it can name one commit (`main`, `HEAD~1`, an id); no options, ranges, searches or reflogs."""
    name = _STEPS.sub("", text)
    if not _is_ref_like(name):
        raise BadName("revision", text, "main~1")
    return text


def require_ref(text: str, example: str = "refs/heads/main") -> str:
    """`text` if git would take it as a full ref name and no program could take it for an option."""
    parts = text.split("/")
    if not (_is_ref_like(text) and parts[0] == "refs" and len(parts) > 2 and parts[-1] != "HEAD"):
        raise BadName("ref", text, example)
    return text


def require_object_id(text: str) -> str:
    """`text` if it is a whole object id in lower case."""
    if not _OBJECT_ID.fullmatch(text):
        raise BadName("commit id", text, "4f1c0d…, all 40 digits")
    return text


def require_path(text: str) -> str:
    """`text` as a path inside the tree, without a slash at its end; `.` is the tree itself."""
    path = text.rstrip("/") if text.strip("/") else text
    parts = path.split("/")
    named = path == "." or all(part not in ("", ".", "..") and not is_dot_git(part) for part in parts)
    if not (named and is_showable(path) and len(path.encode()) <= _PATH_LIMIT_BYTES):
        raise BadName("path inside the tree", text, "src/app.py")
    return path


def require_message(text: str) -> str:
    """`text` without blank ends, if it says something and can stand in a commit."""
    message = text.replace("\r\n", "\n").strip()
    allowed = all(char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs") for char in message)
    if not (message and allowed and len(message) <= _MESSAGE_LIMIT_CHARS):
        raise BadName("commit message", text, "Add the storage module")
    return message


def require_trailers(texts: list[str]) -> list[str]:
    """`texts` if each is one line `Key: value`."""
    for text in texts:
        if not (_TRAILER.fullmatch(text) and text == text.strip() and _encodable(text)):
            raise BadName("trailer", text, "Task-Id: storage")
    return texts


def split_trailer(text: str) -> tuple[str, str] | None:
    """Key and value of one trailer line; None when it is none."""
    found = _TRAILER.fullmatch(text)
    return None if found is None else (found[1], found[2].strip())


def is_dot_git(name: str) -> bool:
    """Whether some file system takes the folder or file `name` for a repository's `.git`."""
    seen = name.lower().translate(_HFS_IGNORED).split(":")[0].rstrip(" .")
    return seen in (".git", "git~1")


def is_showable(path: str) -> bool:
    """Whether `path` is text without control characters, so that it can be listed without forging a line."""
    return bool(path) and _encodable(path) and all(unicodedata.category(char) != "Cc" for char in path)


def shown(path: str) -> str:
    """`path` as it may stand in an answer: what is not showable is escaped."""
    if is_showable(path):
        return path
    return (
        path.encode("utf-8", "surrogateescape")
        .decode("utf-8", "backslashreplace")
        .encode("unicode_escape")
        .decode("ascii")
    )


def _is_ref_like(name: str) -> bool:
    parts = name.split("/")
    return (
        0 < len(name) <= _REF_LIMIT_CHARS
        and name != "@"
        and _encodable(name)
        and not _REF_FORBIDDEN.search(name)
        and all(_is_component(part) for part in parts)
    )


def _is_component(part: str) -> bool:
    return bool(part) and not part.startswith(("-", ".")) and not part.endswith((".", ".lock"))


def _encodable(text: str) -> bool:
    return all(unicodedata.category(char) != "Cs" for char in text)
