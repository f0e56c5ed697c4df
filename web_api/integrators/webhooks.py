"""Webhooks: the addresses of a product that are told what happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pushhub.events.document import event_document
from pushhub.events.models import Event
from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products.rules import Scope
from pushhub.webhooks import endpoints
from pushhub.webhooks.endpoints import ShownWebhook
from pushhub.webhooks.models import WebhookMessage
from pushhub.webhooks.rules import MessageStatus
from web_api.integrators import event_schemas
from web_api.integrators.caller import NO_STORE, operations, repeatable, replay_header, the_caller

face = operations("webhooks", __name__, "Addresses of yours that are told what happened")


@face.operation(
    "POST",
    "",
    body=event_schemas.NewWebhook,
    answer=event_schemas.WebhookWithSecret,
    status=201,
    repeatable=True,
    refuses=[errors.WebhookUrlRefused, errors.TooManyWebhooks],
)
def create_webhook(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Register an address. Keep `secret`: it is shown in this answer only"""
    caller = the_caller(Scope.WEBHOOKS)
    shown = endpoints.create_webhook(caller, body["url"], body.get("events", ()), request=repeatable())
    return webhook_document(shown), 201, NO_STORE | replay_header(shown.replayed)


@face.operation("GET", "", answer=event_schemas.Webhooks)
def list_webhooks() -> dict[str, Any]:
    """Your webhooks: with a live key those for live events, with a test key those for test events"""
    return {"items": [webhook_document(shown) for shown in endpoints.list_webhooks(the_caller(Scope.WEBHOOKS))]}


@face.operation("GET", "/<webhook_id>", answer=event_schemas.Webhook)
def show_webhook(webhook_id: str) -> dict[str, Any]:
    """One webhook, without its secret"""
    return webhook_document(endpoints.show_webhook(the_caller(Scope.WEBHOOKS), _key(webhook_id)))


@face.operation(
    "PATCH",
    "/<webhook_id>",
    body=event_schemas.WebhookChanges,
    answer=event_schemas.Webhook,
    refuses=[errors.WebhookUrlRefused],
)
def change_webhook(body: dict[str, Any], webhook_id: str) -> dict[str, Any]:
    """Change address, kinds of events, or switch it off and on. Switched off, it is told nothing"""
    caller = the_caller(Scope.WEBHOOKS)
    shown = endpoints.change_webhook(
        caller, _key(webhook_id), url=body.get("url"), tags=body.get("events"), enabled=body.get("enabled")
    )
    return webhook_document(shown)


@face.operation("DELETE", "/<webhook_id>", answer=None, status=204)
def delete_webhook(webhook_id: str) -> None:
    """Forget the webhook, with what waits for it"""
    endpoints.delete_webhook(the_caller(Scope.WEBHOOKS), _key(webhook_id))


@face.operation(
    "POST",
    "/<webhook_id>/rotate",
    answer=event_schemas.WebhookWithSecret,
    repeatable=True,
)
def rotate_secret(webhook_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """A new secret, shown in this answer only; the one before signs beside it for 24 hours"""
    shown = endpoints.rotate_secret(the_caller(Scope.WEBHOOKS), _key(webhook_id), request=repeatable())
    return webhook_document(shown), 200, NO_STORE | replay_header(shown.replayed)


@face.operation(
    "POST",
    "/<webhook_id>/test",
    answer=event_schemas.Event,
    status=202,
    refuses=[errors.WebhookDisabled],
)
def send_test(webhook_id: str) -> dict[str, Any]:
    """Send a `webhook.test` event to this webhook alone, on the usual way; see `deliveries` for what became of it"""
    return event_document(endpoints.send_test(the_caller(Scope.WEBHOOKS), _key(webhook_id)))


@face.operation("GET", "/<webhook_id>/deliveries", answer=event_schemas.WebhookDeliveries)
def list_deliveries(webhook_id: str) -> dict[str, Any]:
    """The last 50 messages to this webhook, newest first, with what their last try met"""
    messages = endpoints.last_messages(the_caller(Scope.WEBHOOKS), _key(webhook_id))
    return {"items": [_delivery_document(message, event) for message, event in messages]}


def _key(webhook_id: str) -> UUID:
    return parse_id(Prefix.WEBHOOK, webhook_id)


def webhook_document(shown: ShownWebhook) -> dict[str, Any]:
    """A webhook as its product sees it."""
    webhook = shown.webhook
    document = {
        "id": public_id(Prefix.WEBHOOK, webhook.id),
        "url": webhook.url,
        "events": webhook.tags,
        "enabled": webhook.disabled_at is None,
        "disabled_reason": webhook.disabled_reason,
        "disabled_at": webhook.disabled_at,
        "old_secret_until": shown.old_secret_until,
        "created_at": webhook.created_at,
    }
    return document | ({"secret": shown.secret} if shown.secret else {})


def _delivery_document(message: WebhookMessage, event: Event) -> dict[str, Any]:
    return {
        "event_id": public_id(Prefix.EVENT, event.id),
        "type": event.tag,
        "status": message.status,
        "tries": message.tries,
        "created_at": message.created_at,
        "changed_at": message.changed_at,
        "next_try_at": message.claimable_at if message.status == MessageStatus.QUEUED else None,
        "last_status": message.last_status,
        "error": message.error,
    }
