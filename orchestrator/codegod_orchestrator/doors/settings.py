"""Everything that is read from the environment, once, when a door opens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from codegod_kit import default_state

ROOTS_UMASK = 0o022
PROMPT_CHARACTERS = 100_000  # a specification of fifty pages; more belongs into --api-spec or several builds


class Refused(Exception):
    """Wrong usage or something missing: one line that names the next step. Doors end with exit code 2 on it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the doors know of the machine and the user's choices."""

    state: Path
    environment: Mapping[str, str]

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def builds(self) -> Path:
        return self.state / "builds"


def read_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings of `environment`, completed from a `.env` file in `folder`; raises `Refused`."""
    given = dict(os.environ if environment is None else environment)
    given = _written(folder) | given
    state = default_state(given).expanduser().absolute()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Sandboxed programs run as another user, who has to read what servers make below the state folder from now on;
        # what is nobody's business is made 0600 or 0700 by name.
        os.umask(ROOTS_UMASK)
    try:
        (state / "builds").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"The state folder {str(state)!r} cannot be made ({error.strerror}). Set CODEGOD_STATE_DIR to one that can."
        ) from error
    return Settings(state, given)


def _written(folder: Path | None) -> dict[str, str]:
    """What `.env` says, in `folder` or the one that the user is in."""
    try:
        file = (folder or Path.cwd()) / ".env"
    except FileNotFoundError as error:
        raise Refused(
            "The folder that you are in was removed or replaced. Enter it again, e.g. with: cd ."
        ) from error
    try:
        values = dotenv_values(file) if file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{str(file)!r} cannot be read ({error}). Mend it or move it away.") from error
    return {name: value for name, value in values.items() if value is not None}


def check_prompt(prompt: str) -> str:
    """`prompt` without the space around it; raises `Refused` when it is empty or beyond `PROMPT_CHARACTERS`."""
    text = prompt.strip()
    if not text:
        raise Refused(
            'The prompt is empty. Say what to build, e.g. codegod build "Create a REST API for todo management".'
        )
    if any("\ud800" <= character <= "\udfff" for character in text):  # what a terminal's bad bytes become
        raise Refused("The prompt is no text in UTF-8. Write it anew, or set the terminal to UTF-8.")
    if len(text) > PROMPT_CHARACTERS:
        raise Refused(
            f"The prompt has {len(text)} characters; {PROMPT_CHARACTERS} is the most. Shorten it, or put long "
            "specifications into a file for --api-spec."
        )
    return text


def check_out(out: str, *, apart: Path | None = None) -> Path:
    """The folder of `--out`, absolute and without links.

    Raises `Refused` unless it is absent or empty, can be made, and lies outside `apart`.
    """
    try:
        folder = Path(os.path.realpath(Path(out).expanduser()))
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refused(
                f"{str(folder)!r} is not empty. Choose another folder with --out; nothing was changed."
            )
        if apart is not None and folder.is_relative_to(apart.resolve()):
            raise Refused(
                f"{str(folder)!r} lies where builds do their work. Choose another folder with --out."
            )
        parent = next(place for place in folder.parents if place.exists())
        if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
            raise Refused(f"{str(parent)!r} cannot be written to. Choose another folder with --out.")
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(f"--out {out!r} cannot be used ({error}). Choose another folder.") from error
    return folder
