"""Fields that all APIs write the same way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from marshmallow import fields, validate

from pushhub.kernel import clock


class Time(fields.Field[datetime]):
    """RFC 3339 in UTC, out only."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.rfc3339(value)


def one_of(values: Iterable[str]) -> validate.OneOf:
    """Texts of which it is one."""
    return validate.OneOf([str(value) for value in values])
