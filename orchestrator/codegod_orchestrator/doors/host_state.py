"""What lives as long as an orchestrator that serves hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context

from codegod_orchestrator.doors.previews import PREVIEW, Previews
from codegod_orchestrator.doors.questions import Questions
from codegod_orchestrator.doors.runs import Runs


@dataclass(frozen=True, slots=True)
class Hosted:
    """The builds of a server, the plans that are being made, and what both ask the host."""

    runs: Runs
    previews: Previews
    questions: Questions

    def may_ask(self, build: str) -> bool:
        """Whether a question of `build`, or of any build, may still come."""
        return build in ("", PREVIEW) or self.runs.is_running(build)


def hosted(ctx: Context[Any, Any]) -> Hosted:
    """What the server of a tool call keeps."""
    kept: Hosted = ctx.request_context.lifespan_context
    return kept
