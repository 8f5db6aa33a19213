"""Whose commits these are: the user's own git identity, unless the settings name another."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from codegod_orchestrator.doors.settings import Refused

SECONDS = 10.0  # git reads one small file
_KEYS = {"CODEGOD_GIT_NAME": "user.name", "CODEGOD_GIT_EMAIL": "user.email"}


def with_identity(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with the user's git name and address, both or neither; what it says already stays.

    Raises `Refused` when there is no git.
    """
    if any(environment.get(variable) for variable in _KEYS):
        return dict(environment)
    found = {variable: _configured(key, environment) for variable, key in _KEYS.items()}
    return {**environment, **found} if all(found.values()) else dict(environment)


def _configured(key: str, environment: Mapping[str, str]) -> str:
    """The user's own setting; no repository is asked, for it may be somebody else's."""
    try:
        asked = subprocess.run(
            ["git", "config", "--global", "--get", key],
            cwd="/",
            env={"PATH": os.defpath, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise Refused("git is not installed. Install it: apt install git, or brew install git.") from error
    return asked.stdout.strip() if asked.returncode == 0 else ""
