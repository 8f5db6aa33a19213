"""The demo server, in-memory and as a program, and grants for it."""

import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings

DEMO = Path(__file__).with_name("demo_server.py")
_create = runpy.run_path(str(DEMO))["create"]


class Demo:
    """One demo server, and the orchestrator that grants its tools."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.issuer = GrantIssuer.new()
        self.program = DEMO

    def client(self, *, granted: bool, clock: Callable[[], float] = time.time) -> Client:
        verifier = GrantVerifier(self.issuer.public_key, clock=clock) if granted else None
        return Client(_create(ServerSettings(self.root, self.root, verifier)))

    def grant(self, **changes: Any) -> Grant:
        fields = {"build": "b1", "task": "storage", "attempt": "storage.2", "tools": ("demo.*",)}
        return Grant.model_validate({"deadline": time.time() + 60, **fields, **changes})

    def meta(self, **changes: Any) -> Any:
        return {META_KEY: self.issuer.issue(self.grant(**changes))}


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def text_of(result: CallToolResult) -> str:
    """All that a result says."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture
def said() -> Callable[[CallToolResult], str]:
    return text_of
