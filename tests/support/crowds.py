"""People with phones that are bound, as rows."""

from __future__ import annotations

from typing import Any

from pushhub.channels.contract import PushKind
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key


def device_row(kind: PushKind, target: str, platform: str = "android") -> dict[str, Any]:
    """A phone that is reached at this target."""
    key, now = new_key(), clock.now()
    return {
        **dict.fromkeys(("installation_digest", "hardware_digest", "key_thumbprint", "secret_digest"), key.hex),
        **{"id": key, "platform": platform, "model": "Phone", "os_version": "16", "app_version": "1.0.0"},
        **{"locale": "ru", "push_kind": kind, "push_value": target},
        **dict.fromkeys(("push_registered_at", "created_at", "last_seen_at"), now),
    }


def binding_row(number: str, device: dict[str, Any]) -> dict[str, Any]:
    """This device is this number."""
    proven = {"assurance": "signed_in", "consent_version": "1"}
    return {"id": new_key(), "number": number, "device_id": device["id"], "bound_at": clock.now(), **proven}
