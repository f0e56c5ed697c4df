"""Android (and what else FCM reaches): one POST to FCM HTTP v1 for one message.

    POST {url}/v1/projects/{project_id}/messages:send
    {"message": {"token" | "fid", "data", "notification", "android": {"priority", "ttl", "collapse_key", …}}}

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

from __future__ import annotations

import json
from functools import cache

from firebase_admin import messaging

from pushhub.channels.contract import ChannelDown, Message, Outcome, PushKind, Rejected, Retry
from pushhub.channels.credentials import OAuthCredential
from pushhub.channels.json_template import JsonTemplate, hole, members, members_hole, text
from pushhub.channels.outcomes import CREDENTIAL_REFUSED, fcm_outcome, transport_outcome
from pushhub.channels.transport import STALLED, Host, TransportFailed, Wire

#: Android's notification channels, which the app creates when it starts: codes make a sound, news may not.
CHANNEL_CODES = "codes"
CHANNEL_NOTIFICATIONS = "notifications"

#: Seconds for which FCM stores a message at most (four weeks).
MAX_TTL = 2_419_200

#: FCM takes 4096 bytes of title, body and data. An overlong message may be answered exactly as a malformed
#: target is, and would cost the device its target; so it is refused here, with room for FCM's own counting.
MAX_PAYLOAD = 3_800

#: The error that says nothing. Once more may help; after that nobody knows that it would.
_SAYS_NOTHING = "UNSPECIFIED_ERROR"


class FcmChannel:
    """Sends through Firebase Cloud Messaging, with the credential of the project's service account. `url` has no slash
    at its end."""

    name = "fcm"

    def __init__(self, *, wire: Wire, credential: OAuthCredential, project_id: str, url: str) -> None:
        self._host = Host(wire)
        self._credential = credential
        self._url = f"{url}/v1/projects/{project_id}/messages:send"

    async def send(self, message: Message) -> Outcome:
        """Make one try. A refused credential is replaced; see `OAuthCredential.refused`."""
        try:
            body = build(message)
        except UnfitMessage as unfit:
            return Rejected(unfit.reason)
        authorization = await self._credential.header()
        if not isinstance(authorization, str):
            return authorization
        headers = {"authorization": authorization, "content-type": "application/json"}
        line = self._host.line
        try:
            response = await line.post(self._url, headers, body)
        except TransportFailed as failure:
            if failure.reason in STALLED:
                self._host.leave(line)
            return transport_outcome(failure.reason)
        outcome = fcm_outcome(response.status, response.headers, response.body)
        return self._settled(outcome, message, authorization) if isinstance(outcome, Retry) else outcome

    def _settled(self, outcome: Retry, message: Message, authorization: str) -> Outcome:
        if outcome.reason in CREDENTIAL_REFUSED and not self._credential.refused(authorization):
            return ChannelDown(outcome.reason)
        if outcome.reason == message.previous_error == _SAYS_NOTHING:
            return Rejected(outcome.reason)
        return outcome

    async def close(self) -> None:
        await self._credential.close()
        await self._host.close()


class UnfitMessage(ValueError):
    """This message can't go through FCM. `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def build(message: Message) -> bytes:
    """The request's body, in the shape of firebase-admin's models. Raises `UnfitMessage`."""
    target = message.push_target(PushKind.FCM_TOKEN, PushKind.FCM_FID)
    if target is None:
        raise UnfitMessage("wrong_target_kind")
    if not target.value:
        raise UnfitMessage("invalid_message")
    body: bytes | None = None
    try:
        body = _template(target.kind, message.urgent, bool(message.data)).filled(
            {
                "target": text(target.value),
                "title": text(message.title),
                "body": text(message.body),
                "data": members(message.data),
                "collapse": text(message.collapse_id),
                "ttl": f'"{message.seconds_left(least=0, most=MAX_TTL)}s"',
            }
        )
    except (TypeError, UnicodeEncodeError):  # a value that is no str, a str that is no Unicode
        body = None  # raised below, outside the handler: the error quotes the message
    if body is None:
        raise UnfitMessage("invalid_message")
    if len(body) > MAX_PAYLOAD and _size(message) > MAX_PAYLOAD:
        raise UnfitMessage("PayloadTooLarge")
    return body


@cache
def _template(kind: PushKind, urgent: bool, with_data: bool) -> JsonTemplate:
    model = messaging.Message(
        data=members_hole("data") if with_data else None,
        notification=messaging.Notification(title=hole("title"), body=hole("body")),
        android=messaging.AndroidConfig(
            collapse_key=hole("collapse"),
            priority="high" if urgent else "normal",
            ttl=0,
            notification=messaging.AndroidNotification(
                tag=hole("collapse"),
                channel_id=CHANNEL_CODES if urgent else CHANNEL_NOTIFICATIONS,
            ),
        ),
    )
    # The target is set afterwards because Message(token=…) warns of its deprecation every time, and silencing
    # a warning from several threads is not safe. Installed apps go on registering by token until they are
    # updated; the check that there is exactly one target is made in str() below.
    if kind is PushKind.FCM_TOKEN:
        model.token = hole("target")
    else:
        model.fid = hole("target")
    example = json.loads(str(model))
    example["android"]["ttl"] = hole("ttl")  # the model takes nothing but a duration there
    holes = ["target", "title", "body", "collapse", "ttl", *(["data"] if with_data else [])]
    return JsonTemplate({"message": example}, *holes)


def _size(message: Message) -> int:
    parts = [message.title, message.body, *message.data.keys(), *message.data.values()]
    return len("".join(parts).encode())
