"""Somebody else's server: it knows nothing of us, and tells what it is given."""

import json
import os

from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("foreign", log_level="ERROR")


@server.tool(structured_output=False)
def meta_seen(ctx: Context) -> str:
    """The _meta of the request."""
    return json.dumps(dict(ctx.request_context.meta or {}), default=str)


@server.tool(structured_output=False)
def variable_seen(name: str) -> str:
    """A variable of the environment."""
    return os.environ.get(name, "unset")


@server.tool(structured_output=False)
def flood(size: int) -> str:
    """More than anybody should send."""
    return "x" * size


if __name__ == "__main__":
    server.run()
