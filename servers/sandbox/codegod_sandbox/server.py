"""The sandbox server: the files of a project, programs run in isolation, and the checks of what a model wrote."""

from typing import Any

from mcp.server import MCPServer

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_sandbox.app_tools import register_app_check
from codegod_sandbox.checks import register_checks
from codegod_sandbox.dependencies import register_dependencies
from codegod_sandbox.egress import Network
from codegod_sandbox.environments import Environments
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.execution_tools import register_execution
from codegod_sandbox.files import Trees, register_files
from codegod_sandbox.image_tools import register_images

_INSTRUCTIONS = (
    "The files of one project, and a place to run it without harm. Paths are relative, e.g. `src/app.py`. Read before "
    "you edit: `file_edit` wants the old text exactly. Declare packages with `project_add_dependency`, install them with "
    "`env_prepare`, then see with `check_run` whether the project holds."
)


def build_server(settings: ServerSettings, *, network: Network | None = None) -> MCPServer[Any]:
    """Serve the folder at the root (standalone), or the trees of the builds below it (with grants).

    `network` is how the package proxy reaches the world; None is the real one.
    """
    workspaces = Workspaces(settings)
    sandbox = Sandbox(settings)
    environments = Environments(settings, sandbox, network)
    server = tool_server("sandbox", settings, instructions=_INSTRUCTIONS)
    trees = Trees(workspaces)
    register_files(server, trees)
    register_execution(server, workspaces, sandbox, environments)
    register_dependencies(server, trees)
    register_checks(server, workspaces, sandbox, environments)
    register_app_check(server, workspaces, sandbox, environments)
    register_images(server, workspaces, settings)
    return server


def create(settings: ServerSettings) -> MCPServer[Any]:
    """The entry point by which a mesh makes this server."""
    return build_server(settings)
