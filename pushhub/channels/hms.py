"""Huawei phones without Google's services: one POST to Push Kit for one message.

    POST {url}/v1/{app id}/messages:send
    {"validate_only": false, "message": {"token": […], "data", "android": {"ttl", "notification": {…}}}}

Source: https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197
"""

from __future__ import annotations

import json
import re
from typing import Any

from pushhub.channels.contract import Accepted, ChannelDown, Message, Outcome, PushKind, Rejected, Retry, TargetDead
from pushhub.channels.credentials import OAuthCredential
from pushhub.channels.fcm import CHANNEL_CODES, CHANNEL_NOTIFICATIONS
from pushhub.channels.hms_answers import CREDENTIAL_REFUSED, NO_PERMISSION, hms_outcome
from pushhub.channels.outcomes import transport_outcome
from pushhub.channels.transport import TransportFailed, Wire

#: A push target as Push Kit gives it: visible ASCII without spaces.
TARGET = re.compile(r"[!-~]{8,4096}")

#: Seconds for which Push Kit stores a message at most (15 days).
MAX_TTL = 1_296_000

#: Push Kit takes a body of 4096 bytes, the push target not counted.
MAX_BODY = 4096

#: What a tap on the notification does: it opens the app. Push Kit demands that it is said.
_OPEN_THE_APP = {"type": 3}


class HmsChannel:
    """Sends through Huawei Push Kit, for the app that has `app_id` in AppGallery Connect. `url` has no slash at its
    end."""

    name = "hms"

    def __init__(self, *, wire: Wire, credential: OAuthCredential, app_id: str, url: str) -> None:
        self._wire = wire
        self._credential = credential
        self._url = f"{url}/v1/{app_id}/messages:send"
        # From then on NO_PERMISSION speaks of one target, most likely of another app's, and not of us.
        self._others_were_taken = False

    async def send(self, message: Message) -> Outcome:
        """Make one try. A refused credential is replaced; see `OAuthCredential.refused`."""
        target = message.push_target(PushKind.HMS)
        if target is None:
            return Rejected("wrong_target_kind")
        if not TARGET.fullmatch(target.value):
            return TargetDead("malformed_target")
        try:
            body = build(message, target.value)
        except ValueError:  # text that is no Unicode (a lone surrogate)
            return Rejected("invalid_message")
        if len(body) - len(target.value) > MAX_BODY:
            return Rejected("PayloadTooLarge")
        authorization = await self._credential.header()
        if not isinstance(authorization, str):
            return authorization
        headers = {"authorization": authorization, "content-type": "application/json; charset=UTF-8"}
        try:
            response = await self._wire.post(self._url, headers, body)
        except TransportFailed as failure:
            return transport_outcome(failure.reason)
        outcome = hms_outcome(response.status, response.headers, response.body, target.value)
        self._others_were_taken = self._others_were_taken or isinstance(outcome, Accepted)
        if isinstance(outcome, ChannelDown) and outcome.reason == NO_PERMISSION and self._others_were_taken:
            return Rejected(outcome.reason)
        if not isinstance(outcome, Retry) or outcome.reason not in CREDENTIAL_REFUSED:
            return outcome
        return outcome if self._credential.refused(authorization) else ChannelDown(outcome.reason)

    async def close(self) -> None:
        await self._credential.close()
        await self._wire.close()


def build(message: Message, target: str) -> bytes:
    """The request's body. `tag` makes a second copy replace the first on the screen.

    Neither `urgency` nor `importance` is set: Push Kit refuses HIGH to apps that have not applied for it
    (80300011). How loud a message is, is said by the notification channel that the app made.
    """
    notification: dict[str, Any] = {
        "title": message.title,
        "body": message.body,
        "tag": message.collapse_id,
        "channel_id": CHANNEL_CODES if message.urgent else CHANNEL_NOTIFICATIONS,
        "click_action": _OPEN_THE_APP,
    }
    content = {
        "token": [target],
        "data": json.dumps(dict(message.data), ensure_ascii=False, separators=(",", ":")),
        "android": {
            "ttl": f"{message.seconds_left(least=1, most=MAX_TTL)}s",
            "bi_tag": str(message.id),
            "notification": notification,
        },
    }
    document = {"validate_only": False, "message": content}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
