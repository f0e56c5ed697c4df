"""From claimed rows to messages that a channel can send."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pushhub.binding.models import Device
from pushhub.channels.contract import ApnsEnvironment, Message, PushKind, PushTarget
from pushhub.db import reading
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import Claimed
from pushhub.delivery.rules import DeliveryKind
from pushhub.errors import ConfigurationError
from pushhub.hub import hub
from pushhub.ids import Prefix, public_id
from pushhub.notifications.models import Notification
from pushhub.products.models import Product
from pushhub.products.rules import CodePush
from pushhub.texts import CODE_INLINE, CODE_WAITS, in_language
from pushhub.verifications.models import Verification, code_context

log = logging.getLogger(__name__)

#: The name under which the service itself speaks, where no product does.
SERVICE_NAME = "pushhub"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A claimed delivery with its message."""

    claimed: Claimed
    #: None where it can't be read: its sealing key is missing, or its bytes were changed.
    message: Message | None
    device_id: UUID | None


def prepare(claimed: Sequence[Claimed]) -> list[Prepared]:
    """Read what the claimed rows stand for, in one query, and write their messages."""
    by_id = {entry.delivery_id: entry for entry in claimed}
    statement = (
        sa.select(
            Delivery.id,
            Delivery.kind,
            Delivery.expires_at,
            Device.id.label("device_id"),
            Device.push_kind,
            Device.push_value,
            Device.push_topic,
            Device.push_environment,
            Device.locale,
            Product.name.label("product_name"),
            Verification.id.label("verification_id"),
            Verification.code_push,
            Verification.code_sealed,
            Notification.id.label("notification_id"),
            Notification.title,
            Notification.body,
        )
        .join(Device, Device.id == Delivery.device_id, isouter=True)
        .join(Product, Product.id == Delivery.product_id, isouter=True)
        .join(Verification, Verification.id == Delivery.verification_id, isouter=True)
        .join(Notification, Notification.id == Delivery.notification_id, isouter=True)
        .where(Delivery.id.in_(list(by_id)))
    )
    with reading() as session:
        rows = session.execute(statement).all()
    return [Prepared(by_id[row.id], _readable_message(row), row.device_id) for row in rows]


def _readable_message(row: Any) -> Message | None:
    try:
        return _message(row)
    except (ConfigurationError, ValueError) as problem:
        log.error("message can't be read", extra={"delivery_id": str(row.id), "cause": type(problem).__name__})
        return None


def _message(row: Any) -> Message:
    title, body = _words(row)
    is_code = row.kind == DeliveryKind.CODE
    cause = (
        public_id(Prefix.VERIFICATION, row.verification_id)
        if is_code
        else public_id(Prefix.NOTIFICATION, row.notification_id)
    )
    return Message(
        id=row.id,
        collapse_id=cause,
        target=_target(row),
        title=title,
        body=body,
        data={"delivery_id": public_id(Prefix.DELIVERY, row.id), "kind": row.kind},
        expires_at=row.expires_at,
        urgent=is_code,
    )


def _words(row: Any) -> tuple[str, str]:
    if row.kind == DeliveryKind.NOTIFICATION:
        return row.title, row.body
    locale = row.locale or ""
    if row.code_push == CodePush.INLINE and row.code_sealed:
        code = hub().keyring.unseal(row.code_sealed, code_context(row.verification_id))
        return row.product_name, in_language(locale, CODE_INLINE, code=code)
    return row.product_name, in_language(locale, CODE_WAITS)


def _target(row: Any) -> PushTarget:
    if row.device_id is None:
        return PushTarget(PushKind.POLL, "")
    return PushTarget(
        PushKind(row.push_kind),
        row.push_value or "",
        row.push_topic,
        ApnsEnvironment(row.push_environment or ApnsEnvironment.PRODUCTION),
    )
