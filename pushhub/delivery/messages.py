"""From claimed rows to messages that a channel can send."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pushhub.channels.contract import Address, ApnsEnvironment, Message, PushKind, PushTarget
from pushhub.context import hub
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import Claim, Claimed
from pushhub.delivery.rules import DeliveryKind
from pushhub.devices.models import Device
from pushhub.kernel.db import reading, table_of
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import Prefix, public_id
from pushhub.notifications.models import Notification
from pushhub.products.models import Product
from pushhub.products.route import READABLE
from pushhub.products.rules import CodePush
from pushhub.translations.message_texts import (
    CODE_BY_EMAIL,
    CODE_BY_EMAIL_TITLE,
    CODE_BY_SMS,
    CODE_INLINE,
    CODE_WAITS,
    in_language,
)
from pushhub.verifications.models import Verification, code_context, email_context

log = logging.getLogger(__name__)

#: The name under which the service itself speaks, where no product does.
SERVICE_NAME = "pushhub"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A claimed delivery with its message and what its outcome will be written for."""

    claimed: Claimed
    #: None where it can't be read: its sealing key is missing, or its bytes were changed.
    message: Message | None
    kind: str
    channel: str
    product_id: UUID | None = None
    device_id: UUID | None = None
    verification_id: UUID | None = None
    live: bool = True
    #: The delivery's place in its verification's route.
    step: int = 0
    #: When the code goes on to its next channel by itself; None where there is none.
    escalate_at: datetime | None = None

    @property
    def goes_on(self) -> bool:
        return self.escalate_at is not None


_delivery, _device = table_of(Delivery).c, table_of(Device).c
_verification, _notification = table_of(Verification).c, table_of(Notification).c
_product = table_of(Product).c
_READ = (
    sa.select(
        _delivery.id,
        _delivery.kind,
        _delivery.channel,
        _delivery.number,
        _delivery.step,
        _delivery.error,
        _delivery.expires_at,
        _delivery.product_id,
        _device.id.label("device_id"),
        _device.push_kind,
        _device.push_value,
        _device.push_topic,
        _device.push_environment,
        _device.locale,
        _product.name.label("product_name"),
        _verification.id.label("verification_id"),
        _verification.live,
        _verification.locale.label("asked_locale"),
        _verification.code_push,
        _verification.code_sealed,
        _verification.email_sealed,
        _verification.step.label("verification_step"),
        _verification.escalate_at,
        _notification.id.label("notification_id"),
        _notification.title,
        _notification.body,
        _notification.texts,
        _notification.data,
    )
    .select_from(
        sa.outerjoin(table_of(Delivery), table_of(Device), _device.id == _delivery.device_id)
        .outerjoin(table_of(Product), _product.id == _delivery.product_id)
        .outerjoin(table_of(Verification), _verification.id == _delivery.verification_id)
        .outerjoin(table_of(Notification), _notification.id == _delivery.notification_id)
    )
    .where(
        # The index of the queue leads to the rows of one claim: they were given the same end of lease.
        _delivery.status.in_(sa.text("'queued', 'sending'")),
        _delivery.channel == sa.bindparam("of_channel"),
        _delivery.kind == sa.bindparam("of_kind"),
        _delivery.claimable_at == sa.bindparam("until"),
        _delivery.lease_owner == sa.bindparam("owner"),
    )
)


def prepare(channel: str, kind: DeliveryKind, owner: UUID, claim: Claim) -> list[Prepared]:
    """Read what the claimed rows stand for, in one query, and write their messages."""
    if not claim.rows:
        return []
    by_id = {entry.delivery_id: entry for entry in claim.rows}
    values = {"of_channel": channel, "of_kind": str(kind), "until": claim.until, "owner": owner}
    with reading() as session:
        rows = session.connection().execute(_READ, values).mappings().all()
    return [_prepared(by_id[row["id"]], row) for row in rows if row["id"] in by_id]


def _prepared(claimed: Claimed, row: Mapping[Any, Any]) -> Prepared:
    return Prepared(
        claimed,
        _readable_message(row),
        row["kind"],
        row["channel"],
        row["product_id"],
        row["device_id"],
        row["verification_id"],
        row["live"] is not False,
        row["step"],
        row["escalate_at"] if row["verification_step"] == row["step"] else None,
    )


def _readable_message(row: Mapping[Any, Any]) -> Message | None:
    try:
        return _message(row)
    except (ConfigurationError, ValueError) as problem:
        log.error("message can't be read", extra={"delivery_id": str(row["id"]), "cause": type(problem).__name__})
        return None


def _message(row: Mapping[Any, Any]) -> Message:
    title, body = _words(row)
    is_code = row["kind"] == DeliveryKind.CODE
    cause = (
        public_id(Prefix.VERIFICATION, row["verification_id"])
        if is_code
        else public_id(Prefix.NOTIFICATION, row["notification_id"])
    )
    return Message(
        id=row["id"],
        collapse_id=cause,
        target=_target(row),
        title=title,
        body=body,
        data={**(row["data"] or {}), "delivery_id": public_id(Prefix.DELIVERY, row["id"]), "kind": row["kind"]},
        expires_at=row["expires_at"],
        urgent=is_code,
        previous_error=row["error"],
    )


def _words(row: Mapping[Any, Any]) -> tuple[str, str]:
    locale = row["locale"] or ""
    if row["kind"] == DeliveryKind.NOTIFICATION:
        words = (row["texts"] or {}).get(locale, row)
        return words["title"], words["body"]
    product = row["product_name"]
    if row["channel"] in READABLE:
        return _readable_words(row["channel"], row["asked_locale"], product, _code(row))
    if row["code_push"] == CodePush.INLINE and row["code_sealed"]:
        return product, in_language(locale, CODE_INLINE, code=_code(row))
    return product, in_language(locale, CODE_WAITS)


def _readable_words(channel: str, locale: str, product: str, code: str) -> tuple[str, str]:
    if channel == "sms":
        return "", in_language(locale, CODE_BY_SMS, product=product, code=code)
    title = in_language(locale, CODE_BY_EMAIL_TITLE, product=product)
    return title, in_language(locale, CODE_BY_EMAIL, product=product, code=code)


def _code(row: Mapping[Any, Any]) -> str:
    """Raises ValueError where the code was erased meanwhile."""
    if row["code_sealed"] is None:
        raise ValueError("the code is gone")
    return hub().keyring.unseal(row["code_sealed"], code_context(row["verification_id"]))


def _target(row: Mapping[Any, Any]) -> PushTarget | Address:
    if row["channel"] == "sms":
        return Address(row["number"])
    if row["channel"] == "email":
        return Address(hub().keyring.unseal(row["email_sealed"], email_context(row["verification_id"])))
    if row["device_id"] is None:
        return PushTarget(PushKind.POLL, "")
    return PushTarget(
        PushKind(row["push_kind"]),
        row["push_value"] or "",
        row["push_topic"],
        ApnsEnvironment(row["push_environment"] or ApnsEnvironment.PRODUCTION),
    )
