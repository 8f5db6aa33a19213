"""`python -m codegod_orchestrator`: the orchestrator as an MCP server."""

from codegod_orchestrator.doors.mcp import main

if __name__ == "__main__":
    raise SystemExit(main())
