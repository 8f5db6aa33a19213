"""How people and programs reach Code-God: the terminal and MCP. Doors call the orchestrator; nothing calls a door."""
