"""What Code-God's servers and clients share."""

from codegod_kit.faults import ToolFault
from codegod_kit.grant import (
    META_KEY,
    ExpiredGrant,
    ForgedGrant,
    Grant,
    GrantIssuer,
    GrantRefused,
    GrantVerifier,
    MissingGrant,
    ToolNotGranted,
    current_grant,
    seconds_left,
)
from codegod_kit.logs import configure_logging, log_event, log_warning
from codegod_kit.options import Flag, UsageFault, default_state
from codegod_kit.paging import PAGE_CHARS, PAGE_ITEMS, BadCursor, ListPage, TextPage, page_list, page_text
from codegod_kit.plan import (
    Behaviour,
    Plan,
    PlanFault,
    Platform,
    Task,
    TaskType,
    dump_plan,
    load_plan,
    parse_plan,
)
from codegod_kit.serving import RESULT_LIMIT_BYTES, ServerSettings, run_server, tool_server
from codegod_kit.workspace import Handle, Workspaces, require_write

__all__ = [
    "META_KEY",
    "PAGE_CHARS",
    "PAGE_ITEMS",
    "RESULT_LIMIT_BYTES",
    "BadCursor",
    "Behaviour",
    "ExpiredGrant",
    "Flag",
    "ForgedGrant",
    "Grant",
    "GrantIssuer",
    "GrantRefused",
    "GrantVerifier",
    "Handle",
    "ListPage",
    "MissingGrant",
    "Plan",
    "PlanFault",
    "Platform",
    "ServerSettings",
    "Task",
    "TaskType",
    "TextPage",
    "ToolFault",
    "ToolNotGranted",
    "UsageFault",
    "Workspaces",
    "configure_logging",
    "current_grant",
    "default_state",
    "dump_plan",
    "load_plan",
    "log_event",
    "log_warning",
    "page_list",
    "page_text",
    "parse_plan",
    "require_write",
    "run_server",
    "seconds_left",
    "tool_server",
]
