"""Builds with limits: they stop where the limit is, say so, and go on with a larger one."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codegod_kit.plan import load_plan

PRICED = "claude-sonnet-5-5"  # $2 and $10 per million tokens
PROMPT = "Write a tiny money library"
MODELS = ("--master", f"anthropic:{PRICED}", "--worker", "ollama:qwen2.5-coder:7b")


ACCEPTANCE = """\
from pennies.amount import show


def test_an_amount_has_two_decimals() -> None:
    assert show(1205) == "12.05"
"""


@pytest.fixture
def reference(project: Callable[..., Path]) -> Path:
    """The made-up project, with what a real master has to answer with: a test for its behaviour."""
    folder = project()
    plan = folder / "plan.yaml"
    text = plan.read_text("utf-8")
    named = "test: acceptance/test_pennies.py::test_an_amount_has_two_decimals}"
    plan.write_text(text.replace("two decimals}", f"two decimals, {named}"), "utf-8")
    (folder / "acceptance").mkdir()
    (folder / "acceptance" / "test_pennies.py").write_text(ACCEPTANCE, "utf-8")
    return folder


class _Relay(BaseHTTPRequestHandler):
    """The simulator under the name of a model that costs something; with `usage` off, nobody says how much."""

    target: str
    master: str
    usage: bool

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self._pass_on(self.rfile.read(length).replace(PRICED.encode(), self.master.encode()))

    def _pass_on(self, body: bytes | None) -> None:
        url = self.target + self.path.replace(PRICED, self.master)
        sent = {"content-type": "application/json"}
        request = urllib.request.Request(url, data=body, headers=sent)  # noqa: S310 - our own simulator
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            text = answer.read().replace(self.master.encode(), PRICED.encode())
            if not self.usage:
                text = text.replace(b'"output_tokens"', b'"tokens_unsaid"')
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output is read by people."""


@contextmanager
def _priced(reference: Path, *, usage: bool = True) -> Iterator[Mapping[str, str]]:
    """The environment in which a master that costs something plays `reference`."""
    command = [sys.executable, "-m", "codegod_simulator", "--port", "0", "--reference", str(reference)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None and simulator.stdin is not None
        told = json.loads(simulator.stdout.readline())
        handler = type("_Bound", (_Relay,), {"target": told["url"], "master": told["master"], "usage": usage})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as relay:
            threading.Thread(target=relay.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{relay.server_port}"
            yield {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": url, "OLLAMA_HOST": told["url"]}
            relay.shutdown()
        simulator.stdin.close()


def _codegod(place: Any, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        place.command(*arguments),
        env=place.environment | environment,
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def _report(place: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(place.codegod("report", "--json").stdout)
    return report


@pytest.mark.long
def test_money_stops_a_build_and_more_of_it_goes_on(
    place: Any, reference: Path, suite: Callable[[Path], subprocess.CompletedProcess[str]]
) -> None:
    with _priced(reference) as models:
        # The answer with the acceptance tests may take 24 000 tokens, which is $0.24, and one with a contract 32 000.
        stopped = _codegod(place, models, "build", PROMPT, *MODELS, "--out", "out", "--max-cost", "0.33")
        assert stopped.returncode == 3, stopped.stdout + stopped.stderr
        assert "Limits: $0.3300" in stopped.stdout
        told = _report(place)
        assert told["build"]["state"] == "partial"
        build, spent = told["build"]["id"], Decimal(told["spend"]["total"]["cost"])
        assert 0 < spent < Decimal("0.33")
        assert (
            f"The limit of $0.3300 (--max-cost) is reached: ${spent.quantize(Decimal('0.0001'))} spent"
            in (told["build"]["reason"])
        )
        assert f"codegod resume {build} --max-cost MORE" in stopped.stdout
        assert not (place.folder / "out").exists()

        again = _codegod(place, models, "resume", build, "--max-cost", "$5")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "Limits: $5.00" in again.stdout
    assert suite(place.folder / "out").returncode == 0
    told = _report(place)
    assert (told["build"]["state"], told["limits"]["cost"]) == ("done", "5")
    assert Decimal(told["spend"]["total"]["cost"]) > spent
    assert told["forecast"]["cost"] != "0.0000"


@pytest.mark.long
def test_what_nobody_counted_stays_spent(place: Any, reference: Path) -> None:
    with _priced(reference, usage=False) as models:
        done = _codegod(place, models, "build", PROMPT, *MODELS, "--out", "out", "--max-cost", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    total = _report(place)["spend"]["total"]
    assert Decimal(total["reserved_cost"]) > Decimal("0.4")
    assert total["unpriced_calls"] == 0


@pytest.mark.long
def test_a_limit_stops_a_build_that_can_be_finished_without_it(place: Any, reference: Path) -> None:
    # Tokens, money and time are counted and stop a build alike: tests/orchestrator/test_budget.py and test_stopping.py.
    limit = ("--max-attempts", "2")
    said = "The limit of 2 attempts (--max-attempts) is reached: 2 attempts were made."
    models = ("--worker", f"simulator:{reference}")
    stopped = place.codegod("build", PROMPT, *models, "--out", "out", *limit)
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert said in stopped.stdout
    landed = {task["task"]["id"] for task in _report(place)["tasks"] if task["task"]["state"] == "accepted"}

    done = place.codegod("resume", limit[0], "none")
    assert done.returncode == 0, done.stdout + done.stderr
    told = _report(place)
    assert told["build"]["state"] == "done"
    attempts = [attempt for task in told["tasks"] for attempt in task["attempts"]]
    assert sum(attempt["task"] in landed for attempt in attempts) == len(landed)  # nothing was done twice


@pytest.mark.long
def test_a_model_without_a_price_and_a_limit_in_money_never_start(
    place: Any, inside: Callable[..., subprocess.CompletedProcess[str]], reference: Path
) -> None:
    with _priced(reference) as models, pytest.MonkeyPatch.context() as patch:
        for name, value in models.items():
            patch.setenv(name, value)
        refused = inside("build", PROMPT, "--master", "anthropic:claude-simulated", "--max-cost", "3")
    assert refused.returncode == 2
    assert "'anthropic:claude-simulated'" in refused.stderr and "--max-cost" in refused.stderr
    assert not (place.folder / "state" / "journal.db").exists()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--max-cost", "-1"),
        ("--max-cost", "nan"),
        ("--max-cost", "cheap"),
        ("--max-time", "0s"),
        ("--max-time", "soon"),
        ("--max-tokens", "1.5"),
        ("--max-attempts", "0"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    inside: Callable[..., subprocess.CompletedProcess[str]], flag: str, value: str
) -> None:
    refused = inside("build", PROMPT, f"{flag}={value}")
    assert refused.returncode == 2
    assert flag in refused.stderr and repr(value) in refused.stderr


@pytest.mark.long
def test_a_plan_says_what_its_build_will_take(place: Any, reference: Path) -> None:
    planned = place.codegod("plan", PROMPT, "--master", f"simulator:{reference}", "--max-cost", "1")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "Forecast: " in planned.stdout
    text = (place.folder / "plan.yaml").read_text("utf-8")
    assert text.startswith("# Forecast of the whole build: ")
    assert load_plan(place.folder / "plan.yaml").name == "pennies"
