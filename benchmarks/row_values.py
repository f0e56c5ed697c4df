"""Rows as the service writes them, with what differs from one to the next as parameters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pushhub.channels.contract import PushKind
from pushhub.delivery.outbox import new_delivery
from pushhub.delivery.rules import DeliveryKind
from pushhub.kernel.ids import new_key
from pushhub.products.rules import CodePush
from pushhub.verifications.rules import VerificationStatus

#: Push targets as long as real ones.
TARGETS = {PushKind.FCM_TOKEN: "benchmark:{0}{0}{0}{0}", PushKind.APNS: "{0}{0}"}


def device_row(key: UUID, kind: PushKind, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "installation_digest": key.hex,
        "hardware_digest": key.hex,
        "key_thumbprint": key.hex,
        "secret_digest": key.hex,
        "platform": "ios" if kind is PushKind.APNS else "android",
        "model": "benchmark",
        "os_version": "15",
        "app_version": "1.0",
        "locale": "ru",
        "push_kind": kind,
        "push_value": TARGETS[kind].format(key.hex),
        "push_registered_at": now,
        "created_at": now,
        "last_seen_at": now,
    }


def binding_row(number: str, device_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_key(),
        "number": number,
        "device_id": device_id,
        "assurance": "signed_in",
        "consent_version": "1",
        "bound_at": now,
    }


def verification_row(key: UUID, product_id: UUID, number: str, purpose: str, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "product_id": product_id,
        "number": number,
        "purpose": purpose,
        "live": True,
        "status": VerificationStatus.PENDING,
        "digits": 4,
        "code_digest": "",
        "code_push": CodePush.FETCH,
        "locale": "ru",
        "attempts_allowed": 3,
        "attempts_used": 0,
        "resends_left": 0,
        "created_at": now,
        "expires_at": now + timedelta(minutes=10),
        "resend_at": now,
        "route": ["push"],
        "step": 0,
    }


def delivery_row(
    cause: UUID, product_id: UUID, number: str, channel: str, device_id: UUID | None, now: datetime
) -> dict[str, Any]:
    row = new_delivery(
        DeliveryKind.CODE,
        channel,
        now,
        now + timedelta(minutes=10),
        device_id=device_id,
        product_id=product_id,
        verification_id=cause,
        asked=True,
    )
    return row.values() | {"number": number}
