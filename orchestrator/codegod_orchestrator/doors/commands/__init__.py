"""The terminal's commands, one module each, with `run(options) -> int`."""
