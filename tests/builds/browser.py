"""A headless Chromium that a test drives over its debugging pipe: no driver, no port."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
ANSWER_SECONDS = 30.0  # a cold start on a busy machine
_READS, _WRITES = 3, 4  # the descriptors that the browser reads commands from and writes answers to


def find_browser() -> str | None:
    """A browser of this machine, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page. `run` evaluates JavaScript there."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._pending = b""
        self._number = 0
        self._page = ""

    def open(self, url: str) -> None:
        """A page with `url`, loaded; its scripts may still be at work."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._page = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask("Page.enable")
        self._ask("Page.navigate", url=url)
        give_up = time.monotonic() + ANSWER_SECONDS
        while self._next(give_up).get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def await_true(self, condition: str) -> None:
        """Return when the expression `condition` holds; the page is looked at whenever it has changed."""
        waiting = f"""new Promise((done, late) => {{
            const holds = () => {{ try {{ return {condition}; }} catch {{ return false; }} }};
            const look = () => {{ if (holds()) {{ watcher.disconnect(); done(true); }} }};
            const watcher = new MutationObserver(look);
            watcher.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});
            setTimeout(() => late(new Error("never: " + {json.dumps(condition)} + document.body?.innerHTML)), 10000);
            look();
        }})"""
        assert self.run(waiting) is True

    def _ask(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._page:
            message["sessionId"] = self._page
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        give_up = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._next(give_up)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self, give_up: float) -> dict[str, Any]:
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 65_536)
            assert read, "the browser has ended"
            self._pending += read
        text, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextmanager
def browsing(program: str, profile: Path) -> Iterator[Page]:
    """A page of a browser that ends with the block."""
    reads, commands = os.pipe()
    answers, writes = os.pipe()
    # The browser knows its pipe by numbers that may be others here, so a shell puts the two ends in place.
    options = [
        *(
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ),
        *("--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}", "about:blank"),
    ]
    place = f'exec "$0" "$@" {_READS}<&{reads} {_WRITES}>&{writes}'
    with (
        (profile.parent / "browser.log").open("wb") as log,
        subprocess.Popen(
            ["bash", "-c", place, program, *options], stdout=log, stderr=log, pass_fds=(reads, writes)
        ) as browser,
    ):
        os.close(reads)
        os.close(writes)
        try:
            yield Page(commands, answers)
        finally:
            os.close(commands)
            browser.terminate()
            browser.wait(timeout=ANSWER_SECONDS)
            os.close(answers)
