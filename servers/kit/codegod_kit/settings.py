"""What a server is told when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codegod_kit.grant import GrantVerifier


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that a server may depend on from outside; nobody reads `os.environ` after `main`."""

    root: Path
    state: Path
    verifier: GrantVerifier | None = None
    """Checks grants; None is standalone: nothing is demanded."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
