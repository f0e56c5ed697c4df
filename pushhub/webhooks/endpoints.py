"""What a product does with its webhooks: register, look, change, exchange the secret, try out, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.events import record
from pushhub.events.models import Event, Tag
from pushhub.kernel import clock, idempotency
from pushhub.kernel.db import advisory_lock, again_on_conflict, as_written, reading, transaction
from pushhub.kernel.errors import NotFound, TooManyWebhooks, WebhookDisabled, WebhookUrlRefused
from pushhub.kernel.idempotency import Repeatable
from pushhub.kernel.ids import new_key
from pushhub.products.products import Caller, find_own
from pushhub.webhooks import resolver
from pushhub.webhooks.models import Webhook, WebhookMessage, WebhookSecret, secret_context
from pushhub.webhooks.queue import disable
from pushhub.webhooks.resolver import TargetRefused
from pushhub.webhooks.rules import OLD_SECRET_LIFE, WEBHOOKS_AT_MOST, DisabledReason
from pushhub.webhooks.signing import new_secret
from pushhub.webhooks.targets import WHAT_TO_DO, UrlRefusal, target_of

#: What a webhook may ask for. A test is always told to the webhook that is tested.
TOLD = tuple(tag for tag in Tag if tag is not Tag.WEBHOOK_TEST)
_SECRETS_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class ShownWebhook:
    """A webhook as its product sees it. The secret is there only where it was just made."""

    webhook: Webhook
    #: Until when messages are signed with an earlier secret as well.
    old_secret_until: datetime | None = None
    secret: str | None = field(default=None, repr=False)
    #: Whether an earlier request with the same Idempotency-Key did it.
    replayed: bool = False


@again_on_conflict
def create_webhook(
    caller: Caller, url: str, tags: Sequence[str] = (), *, request: Repeatable | None = None
) -> ShownWebhook:
    """Register an address. A repeat under the same Idempotency-Key shows the secret again: it is sealed, not
    digested, because it has to sign.

    Raises `WebhookUrlRefused`, `TooManyWebhooks`, `IdempotencyKeyReused`.
    """
    checked = _checked_url(url)
    with transaction() as session:
        made = idempotency.made_before(session, caller.product_id, request)
        if made is not None:
            return _shown(session, find_own(session, caller, Webhook, made), with_secret=True, replayed=True)
        _refuse_too_many(session, caller)
        webhook = Webhook(
            id=new_key(),
            product_id=caller.product_id,
            live=caller.live,
            url=checked,
            tags=sorted(set(tags)),
            created_at=clock.now(),
        )
        session.add(webhook)
        session.flush()
        _add_secret(session, webhook.id)
        idempotency.remember(session, caller.product_id, request, webhook.id)
        return _shown(session, webhook, with_secret=True)


def list_webhooks(caller: Caller) -> list[ShownWebhook]:
    """The caller's webhooks, oldest first: with a live key those for live events, with a test key the others."""
    with reading() as session:
        found = session.scalars(sa.select(Webhook).where(*_own(caller)).order_by(Webhook.id)).all()
        return [_shown(session, webhook) for webhook in found]


def show_webhook(caller: Caller, webhook_id: UUID) -> ShownWebhook:
    """One of the caller's. Raises `NotFound`."""
    with reading() as session:
        return _shown(session, find_own(session, caller, Webhook, webhook_id))


def change_webhook(
    caller: Caller,
    webhook_id: UUID,
    *,
    url: str | None = None,
    tags: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> ShownWebhook:
    """Change what is given; what waits goes to the new address. Switched off, it is told nothing and what waits
    for it fails; `GET /v1/events` still has it. Raises `NotFound`, `WebhookUrlRefused`."""
    changes: dict[str, object] = {}
    if url is not None:
        changes["url"] = _checked_url(url)
    if tags is not None:
        changes["tags"] = sorted(set(tags))
    if enabled:
        changes |= {"disabled_at": None, "disabled_reason": None}
    with transaction() as session:
        webhook = find_own(session, caller, Webhook, webhook_id)
        if changes:
            session.execute(sa.update(Webhook).where(Webhook.id == webhook.id).values(**changes))
        if enabled is False:
            disable(session, Webhook.id == webhook.id, reason=DisabledReason.SWITCHED_OFF)
        return _shown(session, find_own(session, caller, Webhook, webhook_id))


def delete_webhook(caller: Caller, webhook_id: UUID) -> None:
    """Forget a webhook with its messages. Raises `NotFound`."""
    with transaction() as session:
        session.execute(sa.delete(Webhook).where(Webhook.id == find_own(session, caller, Webhook, webhook_id).id))


@again_on_conflict
def rotate_secret(caller: Caller, webhook_id: UUID, *, request: Repeatable | None = None) -> ShownWebhook:
    """Give the webhook a new secret. The one before goes on signing for 24 hours, beside the new one.

    Raises `NotFound`, `IdempotencyKeyReused`.
    """
    now = clock.now()
    with transaction() as session:
        webhook = find_own(session, caller, Webhook, webhook_id)
        if idempotency.made_before(session, caller.product_id, request) is not None:
            return _shown(session, webhook, with_secret=True, replayed=True)
        session.execute(
            sa.update(WebhookSecret)
            .where(WebhookSecret.webhook_id == webhook.id, WebhookSecret.signs_until.is_(None))
            .values(signs_until=now + OLD_SECRET_LIFE)
        )
        _add_secret(session, webhook.id)
        _forget_oldest_secrets(session, webhook.id)
        idempotency.remember(session, caller.product_id, request, webhook.id)
        return _shown(session, webhook, with_secret=True)


def send_test(caller: Caller, webhook_id: UUID) -> Event:
    """Let a `webhook.test` event go to this webhook alone, on the way that all messages go.

    Raises `NotFound`, `WebhookDisabled`.
    """
    with transaction() as session:
        webhook = find_own(session, caller, Webhook, webhook_id)
        if webhook.disabled_at is not None:
            raise WebhookDisabled(disabled_reason=webhook.disabled_reason)
        event = record.new_event(Tag.WEBHOOK_TEST, webhook.id, caller.product_id, live=caller.live)
        record.record_all(session, [event])
        return as_written(Event, event)


def last_messages(caller: Caller, webhook_id: UUID, limit: int = 50) -> Sequence[tuple[WebhookMessage, Event]]:
    """What was told last, newest first: each message with its event. Raises `NotFound`."""
    with reading() as session:
        return session.execute(
            sa.select(WebhookMessage, Event)
            .join(Event, Event.position == WebhookMessage.event_position)
            .where(WebhookMessage.webhook_id == find_own(session, caller, Webhook, webhook_id).id)
            .order_by(WebhookMessage.event_position.desc())
            .limit(limit)
        ).all()


def webhooks_of(product_id: UUID) -> Sequence[Webhook]:
    """Every webhook of a product, for its operator."""
    with reading() as session:
        return session.scalars(sa.select(Webhook).where(Webhook.product_id == product_id).order_by(Webhook.id)).all()


def enable_webhook(webhook_id: UUID) -> None:
    """Tell a webhook again, by the hand of an operator. Raises `NotFound`."""
    with transaction() as session:
        enabled = session.scalar(
            sa.update(Webhook)
            .where(Webhook.id == webhook_id)
            .values(disabled_at=None, disabled_reason=None)
            .returning(Webhook.id)
        )
        if enabled is None:
            raise NotFound("There is no webhook with this id.")


def _checked_url(url: str) -> str:
    """The address in the form in which it is kept. Raises `WebhookUrlRefused`."""
    private_allowed = current().settings.webhook_private_addresses
    target = target_of(url, private_allowed=private_allowed)
    if isinstance(target, UrlRefusal):
        raise _refused(target)
    try:
        resolver.current().check(target, private_allowed=private_allowed)
    except TargetRefused as refusal:
        raise _refused(refusal.reason) from None
    return target.url


def _refused(reason: UrlRefusal) -> WebhookUrlRefused:
    return WebhookUrlRefused(f"The address can't be used. {WHAT_TO_DO[reason]}", reason=str(reason))


def _own(caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
    return Webhook.product_id == caller.product_id, Webhook.live == caller.live


def _refuse_too_many(session: Session, caller: Caller) -> None:
    advisory_lock(session, f"webhooks:{caller.product_id}")
    there = session.scalar(sa.select(sa.func.count()).select_from(Webhook).where(*_own(caller)))
    if (there or 0) >= WEBHOOKS_AT_MOST:
        raise TooManyWebhooks(limit=WEBHOOKS_AT_MOST)


def _add_secret(session: Session, webhook_id: UUID) -> None:
    secret_id = new_key()
    sealed = current().keyring.seal(new_secret(), secret_context(secret_id))
    row = {"id": secret_id, "webhook_id": webhook_id, "sealed": sealed, "created_at": clock.now()}
    session.execute(sa.insert(WebhookSecret), [row])


def _forget_oldest_secrets(session: Session, webhook_id: UUID) -> None:
    """Each secret is one more signature in a header, and headers have an end."""
    newest = (
        sa.select(WebhookSecret.id)
        .where(WebhookSecret.webhook_id == webhook_id)
        .order_by(WebhookSecret.signs_until.is_not(None), WebhookSecret.signs_until.desc())
        .limit(_SECRETS_AT_MOST)
    )
    session.execute(
        sa.delete(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id, WebhookSecret.id.not_in(newest))
    )


def _shown(session: Session, webhook: Webhook, *, with_secret: bool = False, replayed: bool = False) -> ShownWebhook:
    secrets = session.scalars(sa.select(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id)).all()
    old = [secret.signs_until for secret in secrets if secret.signs_until and secret.signs_until > clock.now()]
    in_use = next((secret for secret in secrets if secret.signs_until is None), None)
    text = current().keyring.unseal(in_use.sealed, secret_context(in_use.id)) if with_secret and in_use else None
    return ShownWebhook(webhook, max(old, default=None), text, replayed)
