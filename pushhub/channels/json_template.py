"""JSON that a library's model writes once and that is filled in for every message.

firebase-admin and apns2 know the shape of a message and check it, but they do so from the ground up each time;
for FCM that took as much processor time as everything else that Python does for a message. So their models
write an example with holes in it, once for each shape, and the messages are written into the holes. Tests
compare the result with what the models write for the same message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring


def hole(name: str) -> str:
    """What stands in the example where the text `name` will be."""
    return f"<<{name}>>"


def members_hole(name: str) -> dict[str, str]:
    """What stands in the example where the members of the object `name` will be."""
    return {hole(name): hole(name)}


def text(value: str) -> str:
    """A JSON string. Raises `TypeError` for anything but a str."""
    return encode_basestring(value)


def members(values: Mapping[str, str]) -> str:
    """The members of a JSON object, without its braces. Raises `TypeError` unless all is str."""
    return ",".join([f"{encode_basestring(key)}:{encode_basestring(value)}" for key, value in values.items()])


class JsonTemplate:
    """A JSON value with holes.

    Args:
        example: the value, with `hole(name)` and `members_hole(name)` in the places to be filled.
        holes: the names.
    """

    def __init__(self, example: object, *holes: str) -> None:
        written = json.dumps(example, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
        for name in holes:
            place, both = text(hole(name)), members(members_hole(name))
            if place not in written:
                raise ValueError(f"The model left no place for {name}.")
            written = written.replace(both, f"%({name})s").replace(place, f"%({name})s")
        self._written = written

    def filled(self, pieces: Mapping[str, str]) -> bytes:
        """The JSON with `text(…)` and `members(…)` by name in the holes, as UTF-8.

        Raises `UnicodeEncodeError` for text that is no Unicode (a lone surrogate).
        """
        return (self._written % pieces).encode()
