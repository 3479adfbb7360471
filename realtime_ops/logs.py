"""One JSON object per log line. Drops what is private: any extra field whose name begins with `private_`."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ADDRESS = re.compile(r"/(webhooks|sign-in)/(?:openai|link|invitation)/[\w-]+/?")
"""The path of a webhook is half a secret, of a link to sign in or an invitation a whole one; Django logs paths."""
_VALUE_LIMIT = 2_000
"""Characters of one extra value."""


class PrivateFilter(logging.Filter):
    """Removes `private_…` fields: speech, numbers and keys never reach a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in [name for name in vars(record) if name.startswith("private_")]:
            delattr(record, name)
        return True


class JsonFormatter(logging.Formatter):
    """Static message, facts in `extra`, traceback in `exception`; one line whatever it contains."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: str(value)[:_VALUE_LIMIT] for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = _without_rows(self.formatException(record.exc_info), record.exc_info[1])
        return _ADDRESS.sub(r"/\1/[token]/", json.dumps(line, default=str))


def _without_rows(traceback: str, error: BaseException | None) -> str:
    """PostgreSQL quotes the row that it refuses, and with it what people said: its code and the constraint are left."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if code := getattr(error, "sqlstate", None):
            constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
            withheld = f"SQLSTATE {code}" + (f", {constraint}" if constraint else "") + " (its words are withheld)"
            traceback = traceback.replace(str(error), withheld)
        error = error.__cause__ or error.__context__
    return traceback
