"""What a notification may be, what it says to whom, and its states. Pure: no I/O, no clock.

    scheduled ──→ sending ──→ sent        every number has its delivery, or its time ran out before its turn
        └────────────┴──────────┴──→ cancelled   by the product, as long as something has not gone out

Going out is the business of each delivery; see `pushhub.delivery.rules`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from pushhub.delivery.rules import DeliveryStatus

LONGEST_TITLE = 200
LONGEST_BODY = 2_000
#: Numbers in one request.
MOST_NUMBERS = 10_000
#: Seconds: from a minute to what FCM keeps a message for (four weeks).
SHORTEST_LIFE = 60
LONGEST_LIFE = 2_419_200
USUAL_LIFE = 7 * 86_400
#: How far ahead a notification may be written, and by how much a sender's clock may be behind ours.
LONGEST_WAIT = timedelta(days=30)
CLOCK_DIFFERENCE = timedelta(minutes=5)

MOST_DATA = 20
LONGEST_DATA = 1_000
#: These are the service's and the providers' own (FCM refuses the last four, APNs keeps its payload in `aps`).
_TAKEN = frozenset({"delivery_id", "kind", "aps", "from", "message_type"})
_TAKEN_BEGINNINGS = ("google.", "gcm.")

#: Title, body and data as JSON, in bytes. FCM and APNs both take 4096: this leaves room for what they count with
#: it, and for the encryption of a web push.
LONGEST_PAYLOAD = 3_800


class NotificationStatus(StrEnum):
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


#: While it is one of these, there are numbers whose turn has not come.
UNFINISHED = (NotificationStatus.SCHEDULED, NotificationStatus.SENDING)


def words_for(locale: str, title: str, body: str, texts: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Title and body for a reader of this language."""
    words = texts.get(locale)
    return (words["title"], words["body"]) if words is not None else (title, body)


def fault_of(data: Mapping[str, str]) -> str | None:
    """What is wrong with `data`, as a sentence; None where nothing is."""
    if len(data) > MOST_DATA:
        return f"Send at most {MOST_DATA} entries."
    for name in data:
        if not name or name.lower() in _TAKEN or name.lower().startswith(_TAKEN_BEGINNINGS):
            return "Choose another name: " + (f"{name[:40]!r} is taken." if name else "an empty one can't be sent.")
    if sum(len(text.encode()) for entry in data.items() for text in entry) > LONGEST_DATA:
        return f"Names and values may have {LONGEST_DATA} bytes together."
    return None


def payload_size(title: str, body: str, data: Mapping[str, str]) -> int:
    """How many of the `LONGEST_PAYLOAD` bytes a push of these takes."""
    own = {"delivery_id": "dlv_" + 26 * "0", "kind": "notification"}
    payload = {"title": title, "body": body, "data": own | dict(data)}
    return len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())


def progress(status: str, deliveries: Mapping[str, int], left: int) -> dict[str, int]:
    """How many numbers have come how far. `left` are those that have no delivery yet: they wait as long as the
    notification is under way, and never get one once it has ended."""
    found = {str(name): deliveries.get(name, 0) for name in DeliveryStatus}
    waits = status in list(UNFINISHED)
    found[DeliveryStatus.QUEUED if waits else DeliveryStatus.EXPIRED] += max(left, 0)
    return found
