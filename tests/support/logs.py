"""What was logged, to look in it for what must not be there."""

from __future__ import annotations

import logging
from collections.abc import Iterable

#: A record's own clock and the numbers of its process: any four digits may turn up in them by chance.
_BY_CHANCE = {"created", "msecs", "relativeCreated", "thread", "process"}


def everything_in(records: Iterable[logging.LogRecord]) -> str:
    """The message and all fields of these records, whether or not a formatter would write them."""
    said = []
    for record in records:
        fields = {name: value for name, value in vars(record).items() if name not in _BY_CHANCE}
        said.append(f"{record.getMessage()} {fields}")
    return "\n".join(said)
