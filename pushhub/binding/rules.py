"""The rules of binding, pure: no I/O, no clock.

The binding password is a 10-digit TOTP (RFC 6238, SHA-1, by pyotp) and two check digits (ISO 7064
MOD 97-10, by python-stdnum). RFC 4226 truncates to 31 bits, so the ten digits hold 31 bits; with five tries
and ten minutes of life a guess succeeds once in 200 million offers.

    offer:   pending ──→ used        (bound)
                 ├─────→ expired     (10 minutes)
                 └─────→ cancelled   (by the product, replaced by a newer offer, five wrong passwords)
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import pyotp
from stdnum.iso7064 import mod_97_10

from pushhub.identity.phone import PhoneNumber

#: Wrong passwords that end an offer.
TRIES_PER_OFFER = 5
_TOTP_DIGITS = 10
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}\Z")


def step_of(moment: datetime, step_seconds: int) -> int:
    """The number of the time step that holds `moment` (RFC 6238, section 4.2, T0 = 0)."""
    return int(moment.timestamp()) // step_seconds


def step_end(moment: datetime, step_seconds: int) -> datetime:
    """When the password shown at `moment` changes."""
    return datetime.fromtimestamp((step_of(moment, step_seconds) + 1) * step_seconds, tz=moment.tzinfo)


def password_at(totp_secret: str, step: int) -> str:
    """The 12 digits of one time step. `totp_secret` is base32."""
    digits = pyotp.TOTP(totp_secret, digits=_TOTP_DIGITS).generate_otp(step)
    return f"{digits}{mod_97_10.calc_check_digits(digits)}"


def normal_password(typed: str) -> str:
    """What was typed, without the spaces and dashes with which 12 digits are grouped."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", typed)


def check_digits_fit(password: str) -> bool:
    """Whether this can be a password at all. Any single wrong digit and any swap of neighbours is caught."""
    return re.fullmatch(r"[0-9]{12}", password) is not None and bool(mod_97_10.is_valid(password))


def matching_step(totp_secret: str, password: str, now_step: int, last_step: int | None) -> int | None:
    """The step whose password this is: the present one or the one before, and none that was used before."""
    matched = None
    for step in (now_step - 1, now_step):
        fits = hmac.compare_digest(password_at(totp_secret, step), password)
        if fits and (last_step is None or step > last_step):
            matched = step
    return matched


def qr_link(app_link: str, secret: str) -> str:
    """What the QR code holds: the app's link, the version of this format, and the secret in the fragment, which
    no browser sends to a server and no server logs."""
    return f"{app_link}/v1#{secret}"


def secret_in(qr: str, app_link: str) -> str | None:
    """The secret in a scanned link, or None where it is not a link of this installation and of this version."""
    link, _, secret = qr.strip().partition("#")
    return secret if link == f"{app_link}/v1" and _SECRET.match(secret) else None


def number_since(history: Iterable[tuple[PhoneNumber, datetime]], number: PhoneNumber | None) -> datetime | None:
    """Since when a device has had its latest number, if that is a number other than `number`; else None.

    `history` holds all bindings of the device as (number, bound at), oldest first. Bindings to the same number
    in a row count as one: binding again does not start the 30 days anew.
    """
    since: tuple[PhoneNumber, datetime] | None = None
    for bound_number, bound_at in history:
        if since is None or since[0] != bound_number:
            since = (bound_number, bound_at)
    return since[1] if since is not None and since[0] != number else None


def rebind_allowed_at(since: datetime, rebind_days: int) -> datetime:
    """From when a device that has had its number since `since` may be bound to a different one."""
    return since + timedelta(days=rebind_days)
