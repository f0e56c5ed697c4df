"""Reading a body: one JSON object, and in it nothing that the next reader could not take.

RFC 8259 leaves open what becomes of a repeated name, of half a surrogate pair, and of very deep nesting; a
database refuses the character U+0000 in a text. A body with any of them is refused before anything looks at it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pushhub.kernel.errors import MalformedBody

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def json_object(data: bytes) -> dict[str, Any]:
    """The object in `data`. Raises `MalformedBody`."""
    try:
        document = json.loads(data.decode(), object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise MalformedBody from problem
    if not isinstance(document, dict):
        raise MalformedBody
    if any(_UNSTORABLE.search(text) for text in _texts(document)):
        raise MalformedBody("Leave out the character U+0000 and halves of surrogate pairs: no text can hold them.")
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedBody("Send each name once: what a repeated one means is not defined.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _texts(document: dict[str, Any]) -> Iterator[str]:
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += [*part, *part.values()]
        elif isinstance(part, list):
            waiting += part
