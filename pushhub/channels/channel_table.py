"""What each channel is, as one table. Whoever treats channels differently asks it, and not for their names.

A further channel is, in this order: its settings (`kernel/settings.py`, `docs/settings.md`), a row here, a module
beside it that `configured.py` builds, a line for the doctor (`commands/checkup.py`), its text (`CODE_BY` in
`translations/message_texts.py`), the words for where a code went (`web_api/panels/words.py`, `cabinet/parts.html`) and
their translations, and a simulator. `tests/channels/test_channel_table.py` refuses one without texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pushhub.channels.contract import PushKind
from pushhub.kernel.settings import together_with, variable_of


class Receiver(Enum):
    """Whom a channel's messages go to."""

    DEVICE = "device"  # the one that is bound to the number: its app fetches the code
    NUMBER = "number"  # whoever has it, with or without an app
    MAILBOX = "mailbox"  # told by the product for each code; it proves no number


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One line of the table.

    Args:
        name: as deliveries have it, and routes, where a channel needs no device.
        setting: without it there is no such channel; None where it is always there.
        kinds: the push targets that are reached by it.
        paid: whether somebody is paid for each message.
    """

    name: str
    receiver: Receiver
    setting: str | None
    kinds: tuple[PushKind, ...] = ()
    paid: bool = False

    @property
    def readable(self) -> bool:
        """Whether the code itself can be read by whoever gets the message; no app has to fetch it."""
        return self.receiver is not Receiver.DEVICE

    @property
    def variables(self) -> tuple[str, ...]:
        """What has to be set for it."""
        return tuple(map(variable_of, together_with(self.setting))) if self.setting is not None else ()


_ROWS = (
    ChannelRow("poll", Receiver.DEVICE, None, kinds=(PushKind.POLL,)),
    ChannelRow("fcm", Receiver.DEVICE, "fcm_credentials", kinds=(PushKind.FCM_TOKEN, PushKind.FCM_FID)),
    ChannelRow("apns", Receiver.DEVICE, "apns_key", kinds=(PushKind.APNS,)),
    ChannelRow("hms", Receiver.DEVICE, "hms_secret", kinds=(PushKind.HMS,)),
    ChannelRow("webpush", Receiver.DEVICE, "vapid_key", kinds=(PushKind.WEBPUSH,)),
    ChannelRow("sms", Receiver.NUMBER, "sms_url", paid=True),
    ChannelRow("email", Receiver.MAILBOX, "smtp_url"),
)
CHANNELS: Final[Mapping[str, ChannelRow]] = {row.name: row for row in _ROWS}

PAID: Final = frozenset(row.name for row in _ROWS if row.paid)
READABLE: Final = frozenset(row.name for row in _ROWS if row.readable)
#: Through which channel a push target of each kind is reached.
CHANNEL_OF_KIND: Final[Mapping[PushKind, str]] = {kind: row.name for row in _ROWS for kind in row.kinds}


def receiver_of(channel: str) -> Receiver:
    """Whom a channel's messages go to. `push`, and what stands in for all channels with test keys, is the device's."""
    return CHANNELS[channel].receiver if channel in CHANNELS else Receiver.DEVICE
