"""What the reading process takes from itself before it looks at a document."""

import os
import sys

# The kernel's own "nobody", the same everywhere.
_NOBODY = 65534
# Its three pipes, and a few that the interpreter opens while it loads modules.
_OPEN_FILES = 32


def limit_self(memory_bytes: int, cpu_seconds: int) -> None:
    """Cap memory, processor time and files. Windows has no such limits: there the parent's clock is all."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        # macOS refuses this one.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def drop_privileges() -> None:
    """Become nobody if this is root, once everything is loaded from folders that only root may read."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
