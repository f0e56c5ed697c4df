"""What requests hold that are right in form."""

from __future__ import annotations

from typing import Any

from stdnum.iso7064 import mod_97_10

from pushhub.binding import consent
from tests.support.actors import NUMBER

FREE_NUMBER = "+77051112233"
ASK = {"number": NUMBER, "purpose": "sign_in"}
NOTIFY = {"to": NUMBER, "title": "Meeting", "body": "At six."}
DEVICE = {
    **{"installation_id": "installation-of-a-stranger", "platform": "android", "model": "Phone", "os_version": "15"},
    **{"app_version": "1.0.0", "locale": "ru", "push_target": {"kind": "poll"}},
}


def wrong(code: str) -> str:
    """A code of as many digits that is not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def a_password(digits: str = "0123456789") -> str:
    """Twelve digits that fit together and are nobody's password."""
    return f"{digits}{mod_97_10.calc_check_digits(digits)}"


def a_binding(**changes: Any) -> dict[str, Any]:
    """The body of a binding; None leaves a field out, a dict under `device` changes fields of the device."""
    device = DEVICE | changes.pop("device", {})
    body = {"number": FREE_NUMBER, "password": a_password(), "consent_version": consent.VERSION, "device": device}
    return {name: value for name, value in (body | changes).items() if value is not None}
