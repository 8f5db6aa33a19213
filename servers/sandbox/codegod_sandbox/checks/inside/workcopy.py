"""A copy of the project to run: whatever it does to its own files, the tree stays what was checked."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress

from .project import SKIPPED_FOLDERS

# Sources, fixtures and a small database; half of what /tmp holds.
COPY_LIMIT_BYTES = 100 << 20


class TooLarge(Exception):
    """The project does not fit into the copy; the message says so."""


def enter_copy() -> str:
    """Copy the working directory, make the copy the working directory and importable; where it is."""
    here = os.getcwd()
    # Resolved, so that tracebacks and pytest name the same place.
    copy = os.path.realpath(tempfile.mkdtemp(prefix="project-"))
    room = COPY_LIMIT_BYTES
    for path in _files(here):
        source, target = os.path.join(here, path), os.path.join(copy, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            continue
        room -= os.path.getsize(source)
        if room < 0:
            raise TooLarge(f"The project has more than {COPY_LIMIT_BYTES >> 20} MB without its dependencies.")
        # A file that is closed to the sandbox's user is not for the program either.
        with suppress(PermissionError):
            shutil.copy(source, target)
    os.chdir(copy)
    _hide_ourselves()
    _make_importable(copy)
    return copy


def _hide_ourselves() -> None:
    """The project is to find its own modules and its environment's, whatever their names, and none of ours."""
    sys.path[:] = [path for path in sys.path if not path.endswith(".zip") or not os.path.isfile(path)]
    for name in [name for name in sys.modules if name == __package__ or name.startswith(f"{__package__}.")]:
        del sys.modules[name]


def _make_importable(copy: str) -> None:
    """`src/` and the project itself come first, here and in every Python that the project starts."""
    paths = [path for path in (os.path.join(copy, "src"), copy) if os.path.isdir(path)]
    sys.path[:0] = paths
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def _files(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in (*files, *links):
            full = os.path.join(here, name)
            if os.path.isfile(full) or os.path.islink(full):
                yield os.path.relpath(full, folder)
