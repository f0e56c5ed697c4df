"""Notifications: send, look how far one has come, stop it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request

from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.notifications.models import Notification
from pushhub.notifications.send import Draft, Shown, notify
from pushhub.notifications.send import cancel as cancel_notification
from pushhub.notifications.send import show as show_notification
from pushhub.products.rules import Scope
from web_api.integrators import notification_schemas as schemas
from web_api.integrators.caller import operations, repeatable, replay_header, the_caller

#: 10,000 numbers and the longest texts in every language fit into it.
LARGEST_BODY = 512 * 1024

face = operations("notifications", __name__, "Notifications to one number, to many, or to all")


def _take_long_lists() -> None:
    """The one operation whose body may be longer than others."""
    if request.endpoint == "notifications.send":
        request.max_content_length = LARGEST_BODY


face.blueprint.before_request(_take_long_lists)


@face.operation(
    "POST",
    "",
    body=schemas.NewNotification,
    answer=schemas.NotificationTaken,
    status=202,
    repeatable=True,
    refuses=[
        errors.NumberInvalid,
        errors.NumberNotAllowed,
        errors.NotificationTooLarge,
    ],
)
def send(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send a notification, now or at a set time. Each reader gets it in the language of the phone"""
    draft = Draft(
        title=body["title"],
        body=body["body"],
        data=body["data"],
        texts=body["texts"],
        life=timedelta(seconds=body["ttl"]),
        send_at=body["send_at"],
    )
    taken = notify(the_caller(Scope.NOTIFICATIONS), body["to"], draft, request=repeatable())
    return _taken_document(taken.notification), 202, replay_header(taken.replayed)


@face.operation("GET", "/<notification_id>", answer=schemas.Notification)
def show(notification_id: str) -> dict[str, Any]:
    """The notification, and how many of its numbers have come how far"""
    caller = the_caller(Scope.NOTIFICATIONS)
    return _document(show_notification(caller, parse_id(Prefix.NOTIFICATION, notification_id)))


@face.operation(
    "POST",
    "/<notification_id>/cancel",
    answer=schemas.Notification,
    refuses=[errors.NotificationSent],
)
def cancel(notification_id: str) -> dict[str, Any]:
    """Stop what has not gone out; what has reached a phone stays there"""
    caller = the_caller(Scope.NOTIFICATIONS)
    return _document(cancel_notification(caller, parse_id(Prefix.NOTIFICATION, notification_id)))


def _taken_document(notification: Notification) -> dict[str, Any]:
    return {
        "id": public_id(Prefix.NOTIFICATION, notification.id),
        "status": notification.status,
        "accepted": notification.recipients,
    }


def _document(shown: Shown) -> dict[str, Any]:
    notification = shown.notification
    return _taken_document(notification) | {
        "live": notification.live,
        "title": notification.title,
        "body": notification.body,
        "texts": notification.texts,
        "data": notification.data,
        "created_at": notification.created_at,
        "send_at": notification.send_at,
        "expires_at": notification.expires_at,
        "unreachable": notification.unreachable,
        "progress": shown.progress,
    }
