"""An application that runs beside its tests: started, waited for, and stopped."""

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import suppress
from typing import Any

LOG_LIMIT_BYTES = 8_000  # the end of what the application said: a traceback and some lines of its log
POLL_SECONDS = 0.05
ANSWER_SECONDS = 5.0  # a health check that takes longer is none
STOP_SECONDS = 5.0
BROKEN_STATUS = 500

_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_ENTRY_POINT = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<name>[\w.]+)")
_PYTHONS = frozenset({"python", "python3"})


def command_line(text: str, folder: str, tools: dict[str, list[str]]) -> tuple[dict[str, str], list[str]]:
    """Variables and words of a command such as `PORT={port} python -m todo`.

    `python` is this very interpreter, and a name in `tools` is what stands there.
    """
    words = shlex.split(text)
    variables: dict[str, str] = {}
    while words and (found := _VARIABLE.fullmatch(words[0])):
        variables[found[1]] = found[2]
        del words[0]
    if words[:1] == ["npx"]:  # fetches nothing here
        del words[0]
    if words and words[0] in tools:
        words[:1] = tools[words[0]]
    elif words and words[0] in _PYTHONS:
        words[0] = sys.executable
    elif words and shutil.which(words[0]) is None and (script := _script(words[0], folder)):
        words[:1] = [sys.executable, "-c", script]
    return variables, words


def _script(name: str, folder: str) -> str:
    """What the script `name` of the project's manifest runs: the project itself is not installed in its environment."""
    try:
        with open(os.path.join(folder, "pyproject.toml"), "rb") as file:
            scripts: Any = tomllib.load(file).get("project", {}).get("scripts", {})
        found = _ENTRY_POINT.fullmatch(str(scripts.get(name, "")))
    except (OSError, tomllib.TOMLDecodeError, AttributeError):
        return ""
    if found is None:
        return ""
    first = found["name"].partition(".")[0]
    return f"import sys; from {found['module']} import {first}; sys.argv[0] = {name!r}; sys.exit({found['name']}())"


def free_port() -> int:
    """A port that nobody listens at; the sandbox has a loopback of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class AppProcess:
    """One run of the application, in a process group of its own."""

    def __init__(self, words: list[str], environment: dict[str, str], port: int) -> None:
        self.up = False
        self._port = port
        self._health = ""
        self._begun = time.monotonic()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this process, which ends with the run
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        except OSError as error:
            self._health = f"{words[0] if words else ''!r} cannot be run: {error.strerror}"

    def wait(self, health: str, seconds: float) -> None:
        """Wait until it answers below 500 at `health` (or, without one, takes connections), ends, or the time is up."""
        until = self._begun + seconds
        while self._process is not None and time.monotonic() < until:
            if (code := self._process.poll()) is not None:
                self._health = f"it ended with status {code} before it answered"
                return
            told = self._answer(health)
            if told:
                self._health = told
                if self.up:
                    return
            time.sleep(POLL_SECONDS)
        if self._process is not None:
            last = f" ({self._health})" if self._health else ""
            self._health = f"it did not answer within {seconds:g} s{last}"

    def _answer(self, health: str) -> str:
        """What is known now; empty when it does not take connections yet."""
        if not health:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), ANSWER_SECONDS):
                self.up = True
                return "it takes connections"
            return ""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", health)
            status = connection.getresponse().status
        except ConnectionRefusedError:
            return ""
        except (OSError, http.client.HTTPException) as error:
            return f"GET {health}: {type(error).__name__}"
        finally:
            connection.close()
        self.up = status < BROKEN_STATUS
        return f"GET {health}: {status}"

    def stop(self) -> dict[str, Any]:
        """Stop it, and tell how it went."""
        alive = self._process is not None and self._process.poll() is None
        if self._process is not None:
            self._end(self._process)
        ended = "" if alive or not self.up else "; it ended before it was stopped"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - LOG_LIMIT_BYTES))
        log = self._log.read().decode("utf-8", "replace")
        return {"started": self.up, "health": f"{self._health}{ended}", "log": log}

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return
