"""What the other senders send: the words of a confirmation code, as the service says them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pushhub.channels.contract import Message, PushKind, PushTarget
from pushhub.delivery.rules import DeliveryKind
from pushhub.kernel import clock
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.translations.message_texts import CODE_WAITS, in_language

LIFE_SECONDS = 300
#: As long as the real ones, and as those of the benchmark's devices.
FCM_TARGET = PushTarget(PushKind.FCM_TOKEN, "benchmark:" + 128 * "a")
APNS_TARGET = PushTarget(PushKind.APNS, 64 * "a")


def messages(count: int, target: PushTarget) -> Iterator[Message]:
    """So many different ones."""
    expires_at = clock.now() + timedelta(seconds=LIFE_SECONDS)
    for _ in range(count):
        key = new_key()
        yield Message(
            id=key,
            collapse_id=public_id(Prefix.VERIFICATION, key),
            target=target,
            title="Benchmark",
            body=in_language("ru", CODE_WAITS),
            data={"delivery_id": public_id(Prefix.DELIVERY, key), "kind": str(DeliveryKind.CODE)},
            expires_at=expires_at,
        )
