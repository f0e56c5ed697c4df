"""Android (and what else FCM reaches): one POST to FCM HTTP v1 for one message.

    POST {url}/v1/projects/{project_id}/messages:send
    {"message": {"token" | "fid", "data", "notification", "android": {"priority", "ttl", "collapse_key", …}}}

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

from __future__ import annotations

from firebase_admin import messaging

from pushhub import clock
from pushhub.channels.contract import ChannelDown, Message, Outcome, PushKind, Rejected, Retry
from pushhub.channels.credentials import OAuthCredential
from pushhub.channels.outcomes import CREDENTIAL_REFUSED, fcm_outcome, transport_outcome
from pushhub.channels.transport import TransportFailed, Wire

#: Android's notification channels, which the app creates when it starts: codes make a sound, news may not.
CHANNEL_CODES = "codes"
CHANNEL_NOTIFICATIONS = "notifications"

#: Seconds for which FCM stores a message at most (four weeks).
MAX_TTL = 2_419_200

#: FCM takes 4096 bytes of title, body and data. An overlong message may be answered exactly as a malformed
#: target is, and would cost the device its target; so it is refused here, with room for FCM's own counting.
MAX_PAYLOAD = 3_800


class FcmChannel:
    """Sends through Firebase Cloud Messaging.

    Args:
        wire: carries the bytes.
        credential: Google's credential of the project's service account.
        project_id: the Firebase project.
        url: where FCM is, without a trailing slash.
    """

    name = "fcm"

    def __init__(self, *, wire: Wire, credential: OAuthCredential, project_id: str, url: str) -> None:
        self._wire = wire
        self._credential = credential
        self._url = f"{url}/v1/projects/{project_id}/messages:send"

    async def send(self, message: Message) -> Outcome:
        """Make one try. A refused credential is replaced; see `OAuthCredential.refused`."""
        try:
            body = build(message)
        except ValueError as error:  # the text stays here: it may quote the message
            return Rejected(error.reason if isinstance(error, UnfitMessage) else "invalid_message")
        authorization = await self._credential.header()
        if not isinstance(authorization, str):
            return authorization
        headers = {"authorization": authorization, "content-type": "application/json"}
        try:
            response = await self._wire.post(self._url, headers, body)
        except TransportFailed as failure:
            return transport_outcome(failure.reason)
        outcome = fcm_outcome(response.status, response.headers, response.body)
        if not isinstance(outcome, Retry) or outcome.reason not in CREDENTIAL_REFUSED:
            return outcome
        return outcome if self._credential.refused(authorization) else ChannelDown(outcome.reason)

    async def close(self) -> None:
        """Give back the connections."""
        await self._credential.close()
        await self._wire.close()


class UnfitMessage(ValueError):
    """This message can't go through FCM. `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def build(message: Message) -> bytes:
    """The request's body, built and checked by firebase-admin's own models.

    Raises `UnfitMessage` for what we refuse, ValueError for what firebase-admin refuses.
    """
    target = message.target
    if target.kind not in (PushKind.FCM_TOKEN, PushKind.FCM_FID):
        raise UnfitMessage("wrong_target_kind")
    left = int((message.expires_at - clock.now()).total_seconds())
    model = messaging.Message(
        data=dict(message.data),
        notification=messaging.Notification(title=message.title, body=message.body),
        android=messaging.AndroidConfig(
            collapse_key=message.collapse_id,
            priority="high" if message.urgent else "normal",
            ttl=min(max(left, 0), MAX_TTL),
            notification=messaging.AndroidNotification(
                tag=message.collapse_id,
                channel_id=CHANNEL_CODES if message.urgent else CHANNEL_NOTIFICATIONS,
            ),
        ),
    )
    # The target is set afterwards because Message(token=…) warns of its deprecation every time, and silencing
    # a warning from several threads is not safe. Installed apps go on registering by token until they are
    # updated; the check that there is exactly one target is made in str() below.
    if target.kind is PushKind.FCM_TOKEN:
        model.token = target.value
    else:
        model.fid = target.value
    body = f'{{"message": {model}}}'.encode("ascii")
    if _size(message) > MAX_PAYLOAD:
        raise UnfitMessage("PayloadTooLarge")
    return body


def _size(message: Message) -> int:
    parts = [message.title, message.body, *message.data.keys(), *message.data.values()]
    return len("".join(parts).encode())
