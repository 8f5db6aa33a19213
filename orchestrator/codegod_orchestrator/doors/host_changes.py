"""The tool by which a host has an existing repository changed."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from codegod_orchestrator.doors.choice import choose_models
from codegod_orchestrator.doors.commands.build import folder_name, parallel
from codegod_orchestrator.doors.commands.change import BRANCH_FOLDER
from codegod_orchestrator.doors.engine import open_engine
from codegod_orchestrator.doors.host_answers import Started, started
from codegod_orchestrator.doors.host_asks import (
    Master,
    MaxAttempts,
    MaxCost,
    MaxTime,
    MaxTokens,
    Most,
    WorkerModel,
)
from codegod_orchestrator.doors.host_faults import told
from codegod_orchestrator.doors.host_state import hosted
from codegod_orchestrator.doors.origins import find_origin, promised_branches, require_folder
from codegod_orchestrator.doors.settings import Settings, check_prompt
from codegod_orchestrator.limits import Limits
from codegod_orchestrator.options import BuildOptions

STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)

Folder = Annotated[str, Field(description="The folder of the git repository, absolute, e.g. `/home/me/todo`")]
Wish = Annotated[str, Field(description="What to change, e.g. `Add a due date to todos`")]
Branch = Annotated[
    str, Field(description="The branch to make, e.g. `due-dates`; empty: one is named for the prompt")
]


def add_changes(server: MCPServer[Any], settings: Settings) -> None:
    """Add `change_start` to `server`."""

    @server.tool(annotations=STARTS)
    async def change_start(
        ctx: Context[Any, Any],
        folder: Folder,
        prompt: Wish,
        branch: Branch = "",
        master: Master = "",
        worker: WorkerModel = "",
        max_cost: MaxCost = "",
        max_tokens: MaxTokens = "",
        max_time: MaxTime = "",
        max_attempts: MaxAttempts = "",
    ) -> Started:
        """Start changing a git repository and return the build's id at once. The result is a new branch there.

        Nothing else in the repository is touched. Go on with build_wait, as after build_start.
        Example: change_start(folder="/home/me/todo", prompt="Add a due date to todos").
        """
        runs = hosted(ctx).runs
        with told():
            text = check_prompt(prompt)
            place = str(require_folder(folder))
            choice = choose_models(settings.environment, master=master, worker=worker)
            most = Most(max_cost, max_tokens, max_time, max_attempts)
            options = BuildOptions(
                master=choice.master,
                ladder=choice.ladder,
                limits=most.instead_of(Limits(), choice),
                max_parallel=parallel(0, settings),
            )
            async with runs.starting:
                runs.require_room()
                async with open_engine(settings) as engine:
                    origin = await find_origin(
                        engine.mesh,
                        place,
                        branch or f"{BRANCH_FOLDER}/{folder_name(text)}",
                        exactly=bool(branch),
                        promised=await promised_branches(runs.journal, place),
                    )
                kept = options.model_copy(update={"origin": origin}).model_dump(mode="json")
                build = await runs.journal.create_build(text, out=origin.folder, options=kept)
                runs.start(build, choice)
        return started(build, choice)
