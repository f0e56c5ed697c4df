"""Sending notifications for products: taking one in, showing how far it has come, stopping it.

A short list goes out in the very transaction that takes it in; longer ones, `all`, and those for a later time are
turned into deliveries by dispatchers (`pushhub.notifications.fan_out`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.delivery.models import Delivery
from pushhub.devices.models import Offer, OfferStatus
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import ReadRow, again_on_conflict, reading, transaction
from pushhub.kernel.errors import (
    InvalidRequest,
    NotificationSent,
    NotificationTooLarge,
    NumberInvalid,
    NumberNotAllowed,
)
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.notifications import rules
from pushhub.notifications.fan_out import FAN_OUT, count_all, turn
from pushhub.notifications.models import Notification
from pushhub.notifications.pending import stop_notification
from pushhub.notifications.rules import LONGEST_PAYLOAD, NotificationStatus
from pushhub.products.products import Caller, find_own
from pushhub.queueing.wake import wake_after_commit
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

#: A list that is no longer than this does not wait for a dispatcher.
AT_ONCE = 20
#: All numbers of a product are counted at once as long as no more bindings than this have to be looked at.
COUNTED_AT_ONCE = 10_000
#: For how many numbers `all` of a test key stands at most.
_TEST_NUMBERS = 500
#: How many wrong numbers of a list are named.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said, and when. `texts` holds the words in other languages: `{"kk": {"title", "body"}}`."""

    title: str = field(repr=False)
    body: str = field(repr=False)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    life: timedelta = timedelta(seconds=rules.USUAL_LIFE)
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A notification that was taken in, and whether an earlier request with the same Idempotency-Key did it."""

    notification: Notification
    replayed: bool = False


@again_on_conflict
def notify(
    caller: Caller,
    to: Sequence[str] | None,
    draft: Draft,
    *,
    request: Repeatable | None = None,
    counted_at_once: int = COUNTED_AT_ONCE,
) -> Taken:
    """Send `draft` to the numbers in `to`, or to all numbers of the product. All are counted now where no more bindings
    than `counted_at_once` have to be looked at.

    Raises `NumberInvalid` and `NumberNotAllowed` (with the first few `positions`; then nobody gets it),
    `NotificationTooLarge`, `InvalidRequest` for a `send_at` that can't be, `IdempotencyKeyReused`.
    """
    _require_fit(draft)
    numbers = _numbers(caller, to) if to is not None else None
    counted = len(numbers) if numbers is not None else _count_all(caller, counted_at_once)
    now = clock.now()
    with transaction() as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            return Taken(find_own(session, caller, Notification, made), replayed=True)
        if numbers is None and not caller.live:
            numbers = _test_numbers(session, caller)
            counted = len(numbers)
        notification = _written(session, caller, draft, numbers, counted, now)
        record.record(
            session,
            Tag.NOTIFICATION_CREATED,
            notification.id,
            caller.product_id,
            live=caller.live,
            accepted=counted,
        )
        if numbers is not None and len(numbers) <= AT_ONCE and notification.status == NotificationStatus.SENDING:
            turn(session, cast(ReadRow, notification), AT_ONCE)
        else:
            wake_after_commit(session, FAN_OUT)
        idempotency.remember(session, caller.product_id, request, notification.id)
        return Taken(find_own(session, caller, Notification, notification.id))


def _require_fit(draft: Draft) -> None:
    every = {None: {"title": draft.title, "body": draft.body}} | dict(draft.texts)
    for locale, words in every.items():
        size = rules.payload_size(words["title"], words["body"], draft.data)
        if size > LONGEST_PAYLOAD:
            raise NotificationTooLarge(locale=locale, bytes=size, at_most=LONGEST_PAYLOAD)


def _numbers(caller: Caller, written: Sequence[str]) -> list[str]:
    """The numbers, each once, in their order."""
    found: dict[str, None] = {}
    invalid: list[int] = []
    foreign: list[int] = []
    for position, text in enumerate(written):
        try:
            number = PhoneNumber.parse(text)
            caller.require_country(number)
            found[number.e164] = None
        except NumberInvalid:
            invalid.append(position)
        except NumberNotAllowed:
            foreign.append(position)
    if invalid:
        raise NumberInvalid(positions=invalid[:_NAMED], wrong=len(invalid))
    if foreign:
        countries = list(caller.policy.countries)
        raise NumberNotAllowed(countries=countries, positions=foreign[:_NAMED], wrong=len(foreign))
    return list(found)


def _count_all(caller: Caller, at_most: int) -> int | None:
    """Counted before the transaction: a long look, and nobody has to wait for it."""
    if not caller.live:
        return None
    with reading() as session:
        return count_all(session, caller.product_id, at_most)


def _test_numbers(session: Session, caller: Caller) -> list[str]:
    """What `all` means with a test key, which binds nobody: the numbers that it is trying a code or an offer for."""
    of_codes = sa.select(Verification.number).where(
        Verification.product_id == caller.product_id,
        Verification.live.is_(False),
        Verification.status == VerificationStatus.PENDING,
    )
    of_offers = sa.select(Offer.number).where(
        Offer.product_id == caller.product_id, Offer.live.is_(False), Offer.status == OfferStatus.PENDING
    )
    return [number.e164 for number in session.scalars(of_codes.union(of_offers).limit(_TEST_NUMBERS))]


def _written(
    session: Session,
    caller: Caller,
    draft: Draft,
    numbers: list[str] | None,
    counted: int | None,
    now: datetime,
) -> Notification:
    send_at = _send_at(draft, now)
    notification = Notification(
        id=new_key(),
        product_id=caller.product_id,
        live=caller.live,
        title=draft.title,
        body=draft.body,
        data=dict(draft.data),
        texts={locale: dict(words) for locale, words in draft.texts.items()},
        status=NotificationStatus.SCHEDULED if send_at > now else NotificationStatus.SENDING,
        numbers=numbers,
        cursor="",
        recipients=counted,
        unreachable=0,
        send_at=send_at,
        due_at=send_at,
        created_at=now,
        expires_at=send_at + draft.life,
    )
    session.add(notification)
    session.flush()
    return notification


def _send_at(draft: Draft, now: datetime) -> datetime:
    """When it is to go out. The sender's clock may be a little behind; a time further back is a mistake."""
    if draft.send_at is None:
        return now
    if draft.send_at < now - rules.CLOCK_DIFFERENCE:
        raise InvalidRequest(errors={"send_at": ["This time has passed."]})
    if draft.send_at > now + rules.LONGEST_WAIT:
        raise InvalidRequest(errors={"send_at": [f"Send a time at most {rules.LONGEST_WAIT.days} days ahead."]})
    return max(draft.send_at, now)


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification and how many of its numbers have come how far, by status of their deliveries."""

    notification: Notification
    progress: Mapping[str, int]


def show(caller: Caller, notification_id: UUID) -> Shown:
    """The caller's notification. Raises `NotFound`."""
    with reading() as session:
        return _shown(session, find_own(session, caller, Notification, notification_id))


def _shown(session: Session, notification: Notification) -> Shown:
    statuses = sa.select(Delivery.status, sa.func.count()).where(Delivery.notification_id == notification.id)
    counts = dict(session.execute(statuses.group_by(Delivery.status)).all())
    left = (notification.recipients or 0) - notification.unreachable - sum(counts.values())
    return Shown(notification, rules.progress(notification.status, counts, left))


def cancel(caller: Caller, notification_id: UUID) -> Shown:
    """Stop what has not gone out; stopping twice changes nothing. Raises `NotFound`, `NotificationSent`."""
    with transaction() as session:
        notification = find_own(session, caller, Notification, notification_id, for_update=True)
        if notification.status != NotificationStatus.CANCELLED:
            _end(session, notification)
        return _shown(session, find_own(session, caller, Notification, notification_id))


def _end(session: Session, notification: Notification) -> None:
    had_gone = notification.status == NotificationStatus.SENT
    session.execute(
        sa.update(Notification)
        .where(Notification.id == notification.id, Notification.status != NotificationStatus.CANCELLED)
        .values(status=NotificationStatus.CANCELLED, numbers=sa.null())
        .execution_options(synchronize_session=False)
    )
    stopped = stop_notification(session, notification.id)
    if had_gone and not stopped:
        raise NotificationSent
    record.record(
        session,
        Tag.NOTIFICATION_CANCELLED,
        notification.id,
        notification.product_id,
        live=notification.live,
        stopped=stopped,
    )
