"""What can go wrong with a memory, in words that a model can act on."""

from collections.abc import Iterable

from codegod_kit import ToolFault


class ScopeNotGranted(ToolFault):
    """A caller asked for another build's memory."""

    def __init__(self, scope: str, granted: str) -> None:
        super().__init__(
            f"The scope {scope!r} is not granted to this task. Leave `scope` empty: that is {granted!r}."
        )
        self.scope = scope
        self.granted = granted


class BadScope(ToolFault):
    """The text is no scope's name."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"{scope!r} is no scope. A scope is a lower-case name, e.g. `shop`; leave it empty for the default one."
        )
        self.scope = scope


class NothingToKeep(ToolFault):
    """The text is blank, or holds nothing but recalled passages."""

    def __init__(self, recalled: int) -> None:
        why = "holds only passages recalled from this memory" if recalled else "is blank"
        super().__init__(f"Nothing was stored: `text` {why}. Give the new text alone.")
        self.recalled = recalled


class UnknownEntry(ToolFault):
    """No entry or piece has this id in this scope."""

    def __init__(self, entry: str, scope: str) -> None:
        super().__init__(
            f"No entry {entry!r} is in scope {scope!r}. Call `memory_list` or `memory_search` for ids."
        )
        self.entry = entry
        self.scope = scope


class NothingNamed(ToolFault):
    """A deletion that says nothing about what to delete."""

    def __init__(self) -> None:
        super().__init__(
            "Say what to forget: an `id`, a `source`, a `task`, or `everything=true` for the whole scope."
        )


class MixedDeletion(ToolFault):
    """A deletion that names things in two ways at once."""

    def __init__(self) -> None:
        super().__init__(
            "`id` and `everything` each stand alone; `source` and `task` may be combined. Use one way."
        )


class UnknownPaths(ToolFault):
    """None of the wanted files is in the workspace."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)
        names = ", ".join(repr(path) for path in self.paths)
        super().__init__(f"No text file matches {names}. Leave `paths` empty to index the whole workspace.")


class MemoryBusy(ToolFault):
    """Another process kept the store locked for the whole time limit."""

    def __init__(self, scope: str, seconds: float) -> None:
        super().__init__(f"The memory of scope {scope!r} was busy for {seconds:.0f} s. Call again.")
        self.scope = scope


class MemoryDamaged(ToolFault):
    """The store's file is no database any more."""

    def __init__(self, scope: str, reason: str) -> None:
        super().__init__(
            f"The memory of scope {scope!r} cannot be read ({reason}). Move `memory/{scope}.db` in the state folder "
            "away and fill it again; other scopes are not affected."
        )
        self.scope = scope
        self.reason = reason


class MemoryUnavailable(ToolFault):
    """The file system does not let the store work."""

    def __init__(self, scope: str, reason: str) -> None:
        super().__init__(
            f"The memory of scope {scope!r} cannot be used ({reason}). Free space in the state folder, or make it writable."
        )
        self.scope = scope
        self.reason = reason


class MemoryTooNew(ToolFault):
    """A later version of Code-God made the store."""

    def __init__(self, scope: str, found: int, known: int) -> None:
        super().__init__(
            f"The memory of scope {scope!r} has format {found}; this version reads {known}. Update Code-God."
        )
        self.scope = scope


class FullTextSearchMissing(ToolFault):
    """This Python's SQLite was built without FTS5."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"SQLite {version} has no FTS5, which memory needs. Run the server with another Python."
        )
        self.version = version
