"""The allocation table."""

import re
from typing import get_args

import pytest

from codegod_kit.plan import TaskType
from codegod_orchestrator.allocation import (
    TOOLS_PER_TASK,
    Role,
    tools_of_role,
    tools_of_task,
)

TOOL = re.compile(r"(sandbox|git|memory|fetch|thinking|database)\.[a-z]+(_[a-z]+)*")
# What only the orchestrator's own steps may do: move `main`, deliver, or make and remove trees.
RESERVED = {
    "git.merge_land",
    "git.merge_propose",
    "git.merge_drop",
    "git.repo_deliver",
    "git.repo_import",
    "git.branch_deliver",
    "git.worktree_create",
}


@pytest.mark.parametrize("task_type", get_args(TaskType))
def test_every_type_of_task_gets_ten_tools_at_most_and_none_of_the_orchestrators_own(
    task_type: TaskType,
) -> None:
    tools = tools_of_task(task_type)
    assert len(tools) == len(set(tools)) <= TOOLS_PER_TASK == 10
    assert all(TOOL.fullmatch(tool) for tool in tools)
    assert not RESERVED & set(tools)
    assert {"sandbox.file_write", "sandbox.check_run", "git.git_commit"} <= set(tools)


@pytest.mark.parametrize("role", get_args(Role))
def test_every_step_of_the_orchestrator_names_its_tools_without_a_pattern(role: Role) -> None:
    tools = tools_of_role(role)
    assert len(tools) == len(set(tools))
    assert all(TOOL.fullmatch(tool) for tool in tools)


def test_only_the_accept_lane_moves_main_and_only_the_finish_delivers() -> None:
    assert [role for role in get_args(Role) if "git.merge_land" in tools_of_role(role)] == ["accepting"]
    assert [role for role in get_args(Role) if "git.repo_deliver" in tools_of_role(role)] == ["finishing"]


def test_all_six_servers_earn_their_place() -> None:
    tools = {tool for task_type in get_args(TaskType) for tool in tools_of_task(task_type)}
    tools |= {tool for role in get_args(Role) for tool in tools_of_role(role)}
    assert {tool.partition(".")[0] for tool in tools} == {
        "sandbox",
        "git",
        "memory",
        "fetch",
        "thinking",
        "database",
    }
