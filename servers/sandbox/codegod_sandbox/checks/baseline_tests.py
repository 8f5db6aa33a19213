"""The test files of a tree, read for comparison."""

import re

from codegod_kit.beneath import Beneath, PathFault
from codegod_sandbox.files.listing import FILLED_FOLDERS

_TEST = re.compile(
    r"^test_.*\.py$|_test\.(py|go)$|^conftest\.py$|\.(test|spec)\.([cm]?[jt]s|[jt]sx)$|\.rs$"
    r"|^(Test\w*|\w+(Tests?|TestCase|IT))\.java$"
)
FILE_LIMIT_BYTES = 256 << 10
TOTAL_LIMIT_BYTES = 8 << 20


def test_files(files: Beneath) -> dict[str, str]:
    """Path to text of every file that a test runner collects from, and of every conftest."""
    found: dict[str, str] = {}
    room = TOTAL_LIMIT_BYTES
    for path, kind in files.walk(skip=FILLED_FOLDERS):
        name = path.rpartition("/")[2]
        if kind == "file" and _TEST.search(name):
            try:
                content = files.read(path, limit=min(FILE_LIMIT_BYTES, room))
            except PathFault:
                # Too large or no ordinary file: there is nothing to compare.
                continue
            room -= len(content)
            found[path] = content.decode("utf-8", "replace")
    return found
