"""Whose memory a call means: one file a scope, so that no query can reach another build's."""

import re
import threading
from collections import OrderedDict
from pathlib import Path

from codegod_kit import current_grant
from codegod_memory.faults import BadScope, ScopeNotGranted
from codegod_memory.store import Store

DEFAULT_SCOPE = "default"
_SCOPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Builds that run at once keep their files open; an older one is opened again when it is asked for.
_OPEN_STORES = 16


class Scopes:
    """The stores of a server, opened when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Store] = OrderedDict()

    def store(self, scope: str) -> Store:
        """The store that the current caller means by `scope`; a build's caller has its build's and no other."""
        name = _allowed(scope)
        with self._lock:
            store = self._open.get(name) or Store(name, self._folder / f"{name}.db")
            self._open[name] = store
            self._open.move_to_end(name)
            outdated = self._open.popitem(last=False)[1] if len(self._open) > _OPEN_STORES else None
        if outdated is not None:
            outdated.close()
        return store

    def close(self) -> None:
        """Close every store."""
        with self._lock:
            stores = list(self._open.values())
            self._open.clear()
        for store in stores:
            store.close()


def _allowed(scope: str) -> str:
    grant = current_grant()
    wanted = scope or (grant.build if grant is not None else DEFAULT_SCOPE)
    if grant is not None and wanted != grant.build:
        raise ScopeNotGranted(scope, grant.build)
    if not _SCOPE.fullmatch(wanted):
        raise BadScope(wanted)
    return wanted
