"""What FCM accepts as a message: `projects.messages` of the REST v1 reference, "FCM error codes", sizes.

Protobuf JSON takes a field in snake_case or lowerCamelCase; both are taken here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from simulators.answers import Outcome, bad_field, fcm_error

MAX_PAYLOAD = 4096
MAX_TTL = 2_419_200  # seconds: four weeks
MIN_TARGET = 8

_TARGETS = ("token", "fid", "topic", "condition")
_MESSAGE_FIELDS = frozenset((*_TARGETS, "name", "data", "notification", "android", "webpush", "apns", "fcm_options"))
_ANDROID_FIELDS = frozenset(
    [
        "collapse_key",
        "priority",
        "ttl",
        "restricted_package_name",
        "data",
        "notification",
        "fcm_options",
        "direct_boot_ok",
        "bandwidth_constrained_ok",
        "restricted_satellite_ok",
    ]
)
_NOTIFICATION_FIELDS = frozenset(("title", "body", "image"))
_TTL = re.compile(r"([0-9]{1,12})(\.[0-9]{1,9})?s")
_CAMEL = re.compile(r"(?<=[a-z])([A-Z])")


class Unacceptable(Exception):
    """The request can't be taken; `outcome` is what FCM answers."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def snake(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same object with its own keys in snake_case."""
    return {_CAMEL.sub(lambda found: "_" + found[1].lower(), key): each for key, each in value.items()}


def addressed_to(message: Mapping[str, Any]) -> str | None:
    """The token or fid of a message that may still be wrong in every way."""
    for name in ("token", "fid"):
        if isinstance(message.get(name), str):
            return str(message[name])
    return None


def check(message: Mapping[str, Any]) -> None:
    """Check a message with snake_case keys. Raises `Unacceptable`."""
    _known("message", message, _MESSAGE_FIELDS)
    _strings("message.data", message.get("data"))
    _android(message.get("android"))
    if message.get("notification") is not None:
        notification = _object("message.notification", message["notification"])
        _known("message.notification", notification, _NOTIFICATION_FIELDS)
        _strings("message.notification", notification)
    _size(message)
    _target(message)


def _target(message: Mapping[str, Any]) -> None:
    given = [name for name in _TARGETS if message.get(name) is not None]
    if len(given) != 1:
        _wrong("message", "Set exactly one of token, fid, topic and condition.")
    target = message[given[0]]
    if given[0] in ("topic", "condition"):
        _wrong(f"message.{given[0]}", "The simulator delivers to a token or a fid only.")
    if not isinstance(target, str):
        _wrong(f"message.{given[0]}", "Expected a string.")
    if len(target) < MIN_TARGET or any(character.isspace() for character in target):
        raise Unacceptable(fcm_error("INVALID_ARGUMENT"))


def _android(value: object) -> None:
    if value is None:
        return
    android = snake(_object("message.android", value))
    _known("message.android", android, _ANDROID_FIELDS)
    _strings("message.android.data", android.get("data"))
    priority = android.get("priority")
    if priority is not None and str(priority).lower() not in ("normal", "high"):
        _wrong("message.android.priority", "Use normal or high.")
    collapse_key = android.get("collapse_key")
    if collapse_key is not None and not isinstance(collapse_key, str):
        _wrong("message.android.collapse_key", "Expected a string.")
    ttl = android.get("ttl")
    if ttl is not None:
        found = _TTL.fullmatch(ttl) if isinstance(ttl, str) else None
        if found is None:
            _wrong("message.android.ttl", "Illegal duration format; duration must end with 's'.")
        elif int(found[1]) > MAX_TTL:
            _wrong("message.android.ttl", f"Use 0s to {MAX_TTL}s.")
    if android.get("notification") is not None:
        _object("message.android.notification", android["notification"])


def _strings(name: str, value: object) -> None:
    if value is None:
        return
    for key, each in _object(name, value).items():
        if not isinstance(each, str):
            _wrong(name, "Expected a string for every value.")
        if key in ("from", "message_type") or key.startswith(("google.", "gcm.notification.")):
            _wrong(name, "A key is a reserved word.")


def _size(message: Mapping[str, Any]) -> None:
    """FCM counts what is delivered to the device: data and notifications, not how it is sent."""
    android = message.get("android") or {}
    delivered = [
        part[key] for part in (message, android) for key in ("data", "notification") if part.get(key) is not None
    ]
    if sum(_bytes(each) for each in delivered) > MAX_PAYLOAD:
        _wrong("message", f"Message is too big: data and notification may take {MAX_PAYLOAD} bytes.")


def _bytes(value: object) -> int:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))


def _known(name: str, value: Mapping[str, Any], fields: frozenset[str]) -> None:
    if set(value) - fields:
        _wrong(name, f"Cannot find field; there are {', '.join(sorted(fields))}.")


def _object(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _wrong(name, "Expected an object.")
    return value


def _wrong(name: str, description: str) -> NoReturn:
    raise Unacceptable(bad_field(name, description))
