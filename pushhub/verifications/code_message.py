"""The message that carries a code: when it is not wanted any more, what stands in it, what follows from sending it.

The text of a push has no code in it unless the product's policy says so: the app fetches it with the device's key.
SMS and e-mail have it, and arm the code when they leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.channel_table import READABLE, Receiver, receiver_of
from pushhub.channels.contract import Accepted, Address, Message, Outcome, PushTarget, Retry
from pushhub.context import current
from pushhub.delivery.message_source import OutgoingMessage, WrittenResult, message_or_none
from pushhub.delivery.models import Delivery
from pushhub.delivery.outbox import CLAIMED, read_claimed
from pushhub.delivery.rules import PERHAPS_SENT, DeliveryKind, DeliveryStatus
from pushhub.devices.models import Device
from pushhub.devices.push_targets import TARGET_COLUMNS, mend_targets, push_target
from pushhub.events.models import Event, Tag
from pushhub.kernel.db import ManyRows, ReadMapping, ReadRow, db, table_of
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.products.models import Product
from pushhub.products.rules import CodePush
from pushhub.queueing.lease_queue import Claim, Lease
from pushhub.translations.message_texts import CODE_BY, CODE_INLINE, CODE_WAITS, in_language
from pushhub.verifications.lifecycle import arm, tell_expired
from pushhub.verifications.models import Verification, code_context, email_context
from pushhub.verifications.rules import VerificationStatus

_EVENT_OF = {
    DeliveryStatus.ACCEPTED: Tag.DELIVERY_ACCEPTED,
    DeliveryStatus.DEAD: Tag.DELIVERY_DEAD,
    DeliveryStatus.FAILED: Tag.DELIVERY_FAILED,
    DeliveryStatus.EXPIRED: Tag.DELIVERY_EXPIRED,
}

_delivery, _verification, _product = table_of(Delivery), table_of(Verification), table_of(Product)
_READ = (
    sa.select(
        _delivery.c.id,
        _delivery.c.channel,
        _delivery.c.number,
        _delivery.c.step,
        _delivery.c.error,
        _delivery.c.expires_at,
        _delivery.c.product_id,
        *TARGET_COLUMNS,
        _product.c.name.label("product_name"),
        _verification.c.id.label("verification_id"),
        _verification.c.live,
        _verification.c.locale.label("asked_locale"),
        _verification.c.code_push,
        _verification.c.code_sealed,
        _verification.c.email_sealed,
        _verification.c.step.label("verification_step"),
        _verification.c.escalate_at,
    )
    .select_from(
        sa.outerjoin(_delivery, table_of(Device), table_of(Device).c.id == _delivery.c.device_id)
        .join(_product, _product.c.id == _delivery.c.product_id)
        .join(_verification, _verification.c.id == _delivery.c.verification_id)
    )
    .where(*CLAIMED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCode(OutgoingMessage):
    """A claimed delivery of a code."""

    product_id: UUID
    verification_id: UUID
    live: bool
    #: The delivery's place in its verification's route.
    step: int


class CodeMessages:
    """Codes, as the outbox asks for them."""

    kind = DeliveryKind.CODE
    over = (
        (
            sa.select(Verification.status).where(Verification.id == Delivery.verification_id).scalar_subquery()
            != VerificationStatus.PENDING,
            "verification_closed",
        ),
    )

    def load(self, channel: str, owner: UUID, claim: Claim) -> list[OutgoingMessage]:
        """The messages of claimed codes, read in one query."""
        return [_outgoing(lease, row) for lease, row in read_claimed(_READ, self, channel, owner, claim)]

    def tell_expired(self, session: Session, rows: Sequence[ReadRow]) -> None:
        """Products are told of codes one by one."""
        tell_expired(session, rows)

    def after_results(self, session: Session, written: Sequence[WrittenResult], now: datetime) -> bool:
        """Tell products, mend push targets, arm what can be read, and let codes whose channel failed go on."""
        mend_targets(session, (each.result for each in written), now)
        ours = [(each, code) for each in written if each.ours and isinstance(code := each.result.item, OutgoingCode)]
        _record_events(session, ours, now)
        for each, code in ours:
            if code.channel in READABLE and _may_be_read(each.result.outcome):
                arm(session, code.verification_id)
        return _escalate_now(session, [code for each, code in ours if each.transition.escalate], now)


CODES = CodeMessages()


def _outgoing(lease: Lease, row: ReadMapping) -> OutgoingCode:
    return OutgoingCode(
        lease,
        row["channel"],
        row["expires_at"],
        message_or_none(_message, row),
        row["device_id"],
        row["escalate_at"] if row["verification_step"] == row["step"] else None,
        product_id=row["product_id"],
        verification_id=row["verification_id"],
        live=row["live"],
        step=row["step"],
    )


def _message(row: ReadMapping) -> Message:
    title, body = _words(row)
    return Message(
        id=row["id"],
        collapse_id=public_id(Prefix.VERIFICATION, row["verification_id"]),
        target=_target(row),
        title=title,
        body=body,
        data={"delivery_id": public_id(Prefix.DELIVERY, row["id"]), "kind": str(DeliveryKind.CODE)},
        expires_at=row["expires_at"],
        urgent=True,
        previous_error=row["error"],
    )


def _words(row: ReadMapping) -> tuple[str, str]:
    product, locale = row["product_name"], row["locale"] or ""
    if row["channel"] in READABLE:
        (title, text), asked = CODE_BY[row["channel"]], row["asked_locale"]
        shown = in_language(asked, title, product=product) if title is not None else ""
        return shown, in_language(asked, text, product=product, code=_code(row))
    if row["code_push"] == CodePush.INLINE and row["code_sealed"]:
        return product, in_language(locale, CODE_INLINE, code=_code(row))
    return product, in_language(locale, CODE_WAITS)


def _code(row: ReadMapping) -> str:
    """Raises ValueError where the code was erased meanwhile."""
    if row["code_sealed"] is None:
        raise ValueError("the code is gone")
    return current().keyring.unseal(row["code_sealed"], code_context(row["verification_id"]))


def _target(row: ReadMapping) -> PushTarget | Address:
    match receiver_of(row["channel"]):
        case Receiver.NUMBER:
            return Address(row["number"].e164)
        case Receiver.MAILBOX:
            return Address(current().keyring.unseal(row["email_sealed"], email_context(row["verification_id"])))
        case Receiver.DEVICE:
            return push_target(row)


_EVENT_COLUMNS = ("id", "product_id", "live", "tag", "subject_id", "data", "at")
_events = ManyRows("told", *(table_of(Event).c[name] for name in _EVENT_COLUMNS))


@lru_cache(maxsize=2)
def _telling(dialect: str) -> sa.Insert:
    told = _events.table
    return sa.insert(table_of(Event)).from_select(_EVENT_COLUMNS, sa.select(*(told.c[name] for name in _EVENT_COLUMNS)))


def _record_events(session: Session, written: Sequence[tuple[WrittenResult, OutgoingCode]], now: datetime) -> None:
    rows = [
        (
            new_key(),
            code.product_id,
            code.live,
            str(_EVENT_OF[status]),
            code.delivery_id,
            {
                "verification_id": _cause(code),
                "channel": code.channel,
                **({"error": each.transition.error} if each.transition.error else {}),
            },
            now,
        )
        for each, code in written
        if (status := DeliveryStatus(each.transition.status)) in _EVENT_OF
    ]
    if rows:
        session.connection().execute(_telling(db.engine.dialect.name), _events.parameter(rows))


def _cause(code: OutgoingCode) -> str:
    """The verification's public id; the message has it already."""
    message = code.message
    return message.collapse_id if message is not None else public_id(Prefix.VERIFICATION, code.verification_id)


def _may_be_read(outcome: Outcome) -> bool:
    """Whether somebody may be reading the message."""
    return isinstance(outcome, Accepted) or (isinstance(outcome, Retry) and outcome.reason in PERHAPS_SENT)


_late_steps = ManyRows("late", _verification.c.id, _verification.c.step)


@lru_cache(maxsize=2)
def _escalating_now(dialect: str) -> sa.Update:
    late, columns = _late_steps.table, _verification.c
    return (
        sa.update(_verification)
        .where(
            columns.id == late.c.id,
            columns.step == late.c.step,
            columns.status == sa.bindparam("pending"),
            columns.escalate_at.is_not(None),
        )
        .values(escalate_at=sa.bindparam("now"))
        .returning(columns.id)
    )


def _escalate_now(session: Session, failed: Sequence[OutgoingCode], now: datetime) -> bool:
    """Codes whose channel failed don't wait for its patience to end."""
    if not failed:
        return False
    late = _late_steps.parameter((code.verification_id, code.step) for code in failed)
    values = {"now": now, "pending": VerificationStatus.PENDING, **late}
    return session.connection().execute(_escalating_now(db.engine.dialect.name), values).first() is not None
