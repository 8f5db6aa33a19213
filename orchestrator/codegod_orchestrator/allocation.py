"""Which tools each kind of task, and each step of the orchestrator itself, may use: one table of data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from codegod_kit.plan import TaskType

Role = Literal["surveying", "planning", "contracting", "accepting", "finishing"]

# What a small model still tells apart; with more, it calls the wrong one. A user's own tools come on top.
TOOLS_PER_TASK: Final = 10

# What every worker turn needs: read, write, check, hand in.
_TURN = (
    "sandbox.file_read",
    "sandbox.file_write",
    "sandbox.project_add_dependency",
    "sandbox.env_prepare",
    "sandbox.check_run",
    "git.git_status",
    "git.git_commit",
    "memory.memory_pack",
)

_TASKS: Mapping["TaskType", tuple[str, ...]] = {
    "backend": (*_TURN, "sandbox.text_search", "sandbox.exec_run"),
    "api": (*_TURN, "sandbox.text_search", "memory.memory_search"),
    "database": (*_TURN, "database.db_migrate", "database.db_schema"),
    "frontend": (*_TURN, "sandbox.text_search", "sandbox.dir_tree"),
    "testing": (*_TURN, "sandbox.text_search", "sandbox.exec_run"),
    "devops": (*_TURN, "sandbox.dir_tree", "sandbox.exec_run"),
    "documentation": (*_TURN, "sandbox.text_search", "sandbox.dir_tree"),
    "integration": (*_TURN, "sandbox.text_search", "sandbox.exec_run"),
    "bugfix": (*_TURN, "sandbox.text_search", "git.git_diff"),
    "refactor": (*_TURN, "sandbox.text_search", "git.git_diff"),
}

# The orchestrator's own steps are code, so no model has to choose among these; a grant still names each of them.
_ROLES: Mapping[Role, tuple[str, ...]] = {
    "surveying": (
        "git.git_init",
        "git.git_show",
        "git.repo_import",
        "git.worktree_create",
        "git.worktree_remove",
        "sandbox.file_search",
        "sandbox.env_prepare",
        "sandbox.check_run",
    ),
    "planning": (
        "fetch.fetch_openapi",
        "fetch.fetch_page",
        "memory.memory_put",
        "memory.memory_search",
        "thinking.sequentialthinking",
        "thinking.thinking_review",
    ),
    "contracting": (
        "git.git_init",
        "git.git_commit",
        "git.git_show",
        "git.git_log",
        "git.worktree_create",
        "git.worktree_remove",
        "sandbox.file_search",
        "sandbox.file_write",
        "sandbox.file_delete",
        "sandbox.env_prepare",
        "sandbox.exec_run",
        "sandbox.check_run",
    ),
    "accepting": (
        "git.git_diff",
        "git.git_show",
        "git.worktree_create",
        "git.worktree_remove",
        "git.merge_propose",
        "git.merge_land",
        "git.merge_drop",
        "sandbox.file_read",
        "sandbox.file_info",
        "sandbox.file_search",
        "sandbox.file_write",
        "sandbox.env_prepare",
        "sandbox.check_run",
        "memory.memory_index",
        "memory.memory_put",
    ),
    "finishing": (
        "git.git_show",
        "git.git_commit",
        "git.git_note",
        "git.repo_deliver",
        "git.branch_deliver",
        "git.worktree_create",
        "git.worktree_remove",
        "sandbox.file_read",
        "sandbox.file_search",
        "sandbox.file_write",
        "sandbox.file_delete",
        "sandbox.env_prepare",
        "sandbox.check_run",
        "sandbox.app_check",
        "sandbox.image_check",
    ),
}


def tools_of_task(task_type: "TaskType") -> tuple[str, ...]:
    """The tools, as `server.tool`, that a task of this type gets: for its allocation and for its grant alike."""
    return _TASKS[task_type]


def tools_of_role(role: Role) -> tuple[str, ...]:
    """The tools that one of the orchestrator's own steps gets."""
    return _ROLES[role]
