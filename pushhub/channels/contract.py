"""What every channel takes, what it may answer, and how long that may take.

A channel makes one try of one message and answers with one `Outcome`. No exception crosses it, it never
sleeps and never tries again: when to try again, and whether at all, is decided by `pushhub.delivery`.

    Outcome
    ├── Accepted      the provider took the message (this is not delivery: only the device's receipt is)
    ├── TargetDead    this push target will never work again (or not until the app registers anew)
    ├── Retry         it may work later; the provider may say how much later
    ├── Rejected      this message can't be sent like this; trying again changes nothing
    └── ChannelDown   nothing can be sent through this channel now (credentials, configuration)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pushhub.kernel import clock


class PushKind(StrEnum):
    """What kind of address a push target is. FCM is moving from registration tokens to installation ids."""

    FCM_TOKEN = "fcm_token"  # noqa: S105 - a kind of address, not a secret
    FCM_FID = "fcm_fid"
    APNS = "apns"
    HMS = "hms"  # Huawei Push Kit
    WEBPUSH = "webpush"  # a browser's subscription (RFC 8030): JSON with `endpoint` and `keys`
    POLL = "poll"  # the device has no push service and asks for its feed itself


class ApnsEnvironment(StrEnum):
    """Which of Apple's two hosts a device's target belongs to."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class PushTarget:
    """The provider's address of one device. Its value is personal data and never appears in text."""

    kind: PushKind
    value: str = field(repr=False)
    topic: str | None = None
    environment: ApnsEnvironment = ApnsEnvironment.PRODUCTION


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes that needs no device: a phone number in E.164 (`sms`) or a mailbox (`email`). Personal
    data, which never appears in text."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to one device or one address.

    `id` is the same on every try of one delivery (it becomes `apns-id`); `collapse_id` (at most 64 bytes)
    makes a second copy replace the first on the screen. `data` holds strings only and, unless the product's
    policy says inline, never the code. `previous_error` is why the try before this one did not work.
    """

    id: UUID
    collapse_id: str
    target: PushTarget | Address
    title: str = field(repr=False)
    body: str = field(repr=False)
    data: Mapping[str, str] = field(repr=False)
    expires_at: datetime
    urgent: bool = True
    previous_error: str | None = None

    def push_target(self, *kinds: PushKind) -> PushTarget | None:
        """The push target, if it is of one of these kinds."""
        return self.target if isinstance(self.target, PushTarget) and self.target.kind in kinds else None

    def seconds_left(self, *, least: int, most: int) -> int:
        """How many whole seconds it may still be on its way, within what a provider takes."""
        return min(max(int((self.expires_at - clock.now()).total_seconds()), least), most)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. `provider_id` is its name for the message (FCM `name`, APNs `apns-id`)."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class TargetDead:
    """The push target is gone. `since`, where the provider tells it (APNs 410), is when it went: a target
    that was registered later than that is still good."""

    reason: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. `after` is the provider's own wish (`Retry-After`), else None. `environment` is where to try
    next, for a target that seems to belong to Apple's other host."""

    reason: str
    after: timedelta | None = None
    environment: ApnsEnvironment | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Never like this. Either our message is at fault, or the answer is unknown to us."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChannelDown:
    """The channel can't be used for this app; an operator has to look (`reason` says at what)."""

    reason: str


Outcome = Accepted | TargetDead | Retry | Rejected | ChannelDown


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds: `provider_connect` is for a connection to a push provider, the others for one try with all its steps."""

    provider_connect: float = 5.0
    provider: float = 10.0  # https://firebase.google.com/docs/cloud-messaging/scale-fcm: at least 10 s
    mail: float = 10.0
    sms: float = 10.0


#: What is usual everywhere.
USUAL = TimeLimits()


class Channel(Protocol):
    """One way out of the house."""

    name: str

    async def send(self, message: Message) -> Outcome:
        """Make one try. Raises nothing but programming errors."""

    async def close(self) -> None:
        """Give back connections. The channel is not used afterwards."""
