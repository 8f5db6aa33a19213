"""The two tools by which a host is the model of a build: it takes a question, and answers it."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations

from codegod_orchestrator.doors.host_answers import Answered, Asked, answered, asked, nothing_asked
from codegod_orchestrator.doors.host_asks import (
    After,
    AnswerText,
    AnyBuildId,
    More,
    OpenQuestion,
    QuestionId,
    TextCursor,
    WaitSeconds,
)
from codegod_orchestrator.doors.host_faults import told
from codegod_orchestrator.doors.host_state import hosted
from codegod_orchestrator.doors.previews import PREVIEW
from codegod_orchestrator.doors.questions import Question

ASKS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ANSWERS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)


def add_questions(server: MCPServer[Any]) -> None:
    """Give `server` the tools `question_next` and `question_answer`."""

    @server.tool(annotations=ASKS)
    async def question_next(
        ctx: Context[Any, Any],
        build: AnyBuildId = "",
        timeout_s: WaitSeconds = 30,
        question: OpenQuestion = "",
        cursor: TextCursor = "",
        after: After = "",
    ) -> Asked:
        """Wait for what a build with a `host:` model asks you, and read it. Answer with question_answer.

        Example: question_next(build="b-7k3m9xqd").
        """
        kept = hosted(ctx)
        questions = kept.questions
        with told():
            if question:
                found: Question | None = questions.find(question)
            else:
                if build and build != PREVIEW:
                    await kept.runs.journal.build(build)  # a build that nobody knows asks nothing
                found = await questions.next(build, timeout_s, lambda: kept.may_ask(build))
            if found is None:
                return await nothing_asked(kept.runs, build)
            return asked(found, questions.text_of(found, after), cursor, after)

    @server.tool(annotations=ANSWERS)
    async def question_answer(
        ctx: Context[Any, Any], question: QuestionId, text: AnswerText, more: More = False
    ) -> Answered:
        """Answer a question of question_next, in the form that it asks for; a long answer in several pieces.

        Example: question_answer(question="q-7k3m9xqd", text="the whole answer").
        """
        with told():
            return answered(hosted(ctx).questions.answer(question, text, more=more), whole=not more)
