"""How long one try on each way out may take, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """`provider_connect` is for a connection to a push provider, the others for one try with all its steps."""

    provider_connect: float = 5.0
    provider: float = 10.0  # https://firebase.google.com/docs/cloud-messaging/scale-fcm: at least 10 s
    mail: float = 10.0
    sms: float = 10.0


#: What is usual everywhere.
USUAL = TimeLimits()
