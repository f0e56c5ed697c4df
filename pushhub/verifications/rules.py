"""The states of a verification. Pure: no I/O, no clock.

    pending ──→ approved    the right code
        ├─────→ exhausted   no attempts left; the right code does not help any more
        ├─────→ expired     its time ran out
        └─────→ cancelled   by the product

A final state never changes. Sending again keeps code, expiry and attempts as they are.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from enum import StrEnum


class VerificationStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def status_at(status: str, expires_at: datetime, now: datetime) -> VerificationStatus:
    """The status as it is now: pending past its time is expired, whether or not a sweep has been by."""
    if status == VerificationStatus.PENDING and expires_at <= now:
        return VerificationStatus.EXPIRED
    return VerificationStatus(status)


def new_code(digits: int) -> str:
    """A uniform random code with its leading zeros (OWASP ASVS 5.0, 6.5.3)."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def can_be_code(text: str, digits: int) -> bool:
    """Whether `text` has the form of a code of so many digits."""
    return len(text) == digits and re.fullmatch(r"[0-9]+", text) is not None


#: Wrong codes for one number after which its next codes are longer: 10 in a day, 30 in 30 days.
WRONG_PER_DAY = 10
WRONG_PER_30_DAYS = 30
LONGER_DIGITS = 6


def digits_for(digits: int, wrong_today: int, wrong_in_30_days: int) -> int:
    """How many digits the next code has. A number that is being guessed at gets a longer code rather than
    none, so that guessing can't lock its owner out."""
    guessed_at = wrong_today >= WRONG_PER_DAY or wrong_in_30_days >= WRONG_PER_30_DAYS
    return max(digits, LONGER_DIGITS) if guessed_at else digits
