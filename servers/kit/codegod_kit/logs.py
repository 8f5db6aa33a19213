"""Logs for machines: one JSON object a line on stderr, fields instead of sentences."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_FIELDS = "codegod_fields"


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, event, then the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        # An event's own fields come after, and cannot pass for these.
        line = {**line, **getattr(record, _FIELDS, {}), **line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_event(logger: logging.Logger, event: str, /, **fields: object) -> None:
    """Log `event` with its fields. Arguments of tools, tokens and grants are never among them."""
    logger.info(event, extra={_FIELDS: fields})


def log_warning(logger: logging.Logger, event: str, /, **fields: object) -> None:
    """As `log_event`, for what somebody should look at."""
    logger.warning(event, extra={_FIELDS: fields})


def configure_logging(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every log of this process to `stream` (stderr) as JSON; stdout belongs to the protocol."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The SDK and uvicorn tell every request at INFO; the kit's own line per call says the same in fields.
    for chatty in ("mcp", "uvicorn", "httpx", "httpx2"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
