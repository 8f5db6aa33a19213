"""A REST API that keeps todos in SQLite."""
