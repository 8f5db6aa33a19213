"""The one kind of error that a model may read."""

from mcp.server.mcpserver.exceptions import ToolError


class ToolFault(ToolError):
    """A failure that we saw coming: its message names the value and the next step.

    Subclass it, build the message from the subclass's own arguments and keep these as attributes. Any other
    exception that leaves a tool is a bug: its text stays in the server's log.
    """
