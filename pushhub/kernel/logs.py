"""Structured logs: one JSON object a line, with fields instead of sentences that hold values.

Nothing secret is passed to a logger anywhere in the project. As a second fence, `redact` takes out of every
text that is logged what looks like a full number or one of our secrets.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NUMBER = re.compile(r"(\+\d{3,4})\d{3,9}(\d{4})")
#: PostgreSQL tells the whole row that it refused, of as many lines as the row's texts have.
_REFUSED_ROW = re.compile(r"^DETAIL: .*?(?=^\[SQL|^CONTEXT:|^\n(?:The above|During)|\Z)", re.DOTALL | re.MULTILINE)
_SECRET = re.compile(
    r"\b(phk_live_|phk_test_|phd_|phs_|phl_|whsec_)[\w+/=-]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=#)[\w-]{22}\b"
)


def redact(text: str) -> str:
    """`text` with full numbers masked and secrets replaced."""
    return _SECRET.sub(lambda found: f"{found[1] or ''}[hidden]", _NUMBER.sub(r"\1****\2", text))


class JsonFormatter(logging.Formatter):
    """`{"at": …, "level": …, "logger": …, "event": …, fields…}`."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        document |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            document["trace"] = _REFUSED_ROW.sub("DETAIL: [hidden]\n", self.formatException(record.exc_info))
        return redact(json.dumps(document, ensure_ascii=False, default=str))


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment, also after somebody has put another stream in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure_logging(level: str) -> None:
    """Send everything from `level` on to standard error, as JSON lines."""
    root = logging.getLogger()
    root.setLevel(level)
    if not any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        handler = _CurrentStderr()
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)
    # These are chatty, and some write addresses of requests, which may hold a number or a push target.
    for name in ("pyreqwest", "urllib3", "google", "httpcore", "httpx", "werkzeug", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
