"""What the reading process takes from itself before it looks at a document."""

import os
import sys

# The kernel's own "nobody", the same everywhere.
_NOBODY = 65534
# Its three pipes, and a few that the interpreter opens while it loads modules.
_OPEN_FILES = 32


def limit_self(memory_bytes: int, cpu_seconds: int) -> None:
    """Cap memory and processor time. Windows has no such limits: there the parent's clock is all."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # macOS refuses this one.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def drop_privileges() -> None:
    """Once everything is loaded: write no file, open hardly any, and become nobody if this is root."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
