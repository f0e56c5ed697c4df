"""Fields that both APIs write the same way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import fields

from pushhub.kernel import clock


class Time(fields.Field[datetime]):
    """RFC 3339 in UTC, out only."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.rfc3339(value)
