"""A task that a browser solves before a form is taken: cheap for one person, dear for a million forms.

ALTCHA (altcha.org, proof of work v2). The service makes a challenge and signs it, the browser looks for the number
that derives the wanted key, and the form carries both back:

    challenge(place) ──→ browser counts ──→ solved(session, payload, place=…)   signature, time, place, key, first use

No other service takes part, and nothing is kept of a challenge until it comes back solved; then its digest stays
until it would have run out, so that it counts once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from altcha import Challenge, Payload, Solution, create_challenge, verify_solution
from sqlalchemy.orm import Mapped, Session, mapped_column

from pushhub.accounts import costs
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import Base, insert, transaction

#: How long a person may take for the form.
LIFE = timedelta(minutes=10)
_ALGORITHM = "PBKDF2/SHA-256"
#: A payload is some 800 characters.
_LONGEST = 4000


class UsedCaptcha(Base):
    """A solution that has counted."""

    __tablename__ = "used_captchas"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


def challenge(place: str) -> dict[str, Any]:
    """A new challenge as the browser takes it. Its solution counts at this `place` only (a cabinet's slug)."""
    cost = costs.current()
    least, most = cost.captcha_keys
    made = create_challenge(
        _ALGORITHM,
        cost.captcha_rounds,
        counter=secrets.randbelow(most - least + 1) + least,
        # Not the protocol's `expiresAt`: the browser would hold it against its own clock, which may be wrong.
        data={"place": place, "until": int((clock.now() + LIFE).timestamp())},
        hmac_secret=_secret("challenge"),
        hmac_key_secret=_secret("key"),
    )
    return made.to_dict()


def solved(session: Session, payload: str, *, place: str) -> bool:
    """Whether this is the solution of a challenge for this place, in time and for the first time. It is used up in
    the caller's transaction."""
    found = _read(payload)
    if found is None:
        return False
    until = _signed_until(found, place)
    if until is None or until <= clock.now():
        return False
    # The nonce, and not the payload, which can be written in more ways than one.
    digest = hashlib.sha256(found.challenge.parameters.nonce.encode()).hexdigest()
    row = insert(UsedCaptcha).values(digest=digest, expires_at=until)
    return session.execute(row.on_conflict_do_nothing().returning(UsedCaptcha.digest)).first() is not None


def spend(payload: str, *, place: str) -> bool:
    """The same in a transaction of its own: used up whatever becomes of the form."""
    with transaction() as session:
        return solved(session, payload, place=place)


def sweep(session: Session) -> None:
    """Forget solutions whose challenges have run out."""
    session.execute(sa.delete(UsedCaptcha).where(UsedCaptcha.expires_at <= clock.now()))


def _secret(purpose: str) -> str:
    return current().keyring.lookup_digest("captcha secret", purpose)


def _read(payload: str) -> Payload | None:
    if not 0 < len(payload) <= _LONGEST:
        return None
    try:
        document = json.loads(base64.b64decode(payload, validate=True))
        return Payload(Challenge.from_dict(document["challenge"]), Solution.from_dict(document["solution"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _signed_until(found: Payload, place: str) -> datetime | None:
    """Until when the challenge holds; None where we did not make it, for another place, or it is not solved."""
    result = verify_solution(found, _secret("challenge"), hmac_key_secret=_secret("key"))
    if not result.verified:
        return None
    # Signed, so as we wrote it.
    data = found.challenge.parameters.data or {}
    return datetime.fromtimestamp(data["until"], tz=clock.now().tzinfo) if data["place"] == place else None
