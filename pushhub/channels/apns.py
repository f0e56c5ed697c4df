"""iPhones: one POST to APNs for one message.

    POST {url}/3/device/{push target}
    {"aps": {"alert": {"title", "body"}, "sound", "mutable-content", "interruption-level"}, …data}

Source: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from apns2.payload import MAX_PAYLOAD_SIZE, Payload, PayloadAlert

from pushhub.channels.contract import (
    ApnsEnvironment,
    ChannelDown,
    Message,
    Outcome,
    PushKind,
    Rejected,
    Retry,
    TargetDead,
)
from pushhub.channels.credentials import ProviderToken
from pushhub.channels.outcomes import CREDENTIAL_REFUSED, apns_outcome, transport_outcome
from pushhub.channels.transport import Response, TransportFailed, Wire

#: A push target becomes part of a URL, so nothing but hexadecimal may pass. Apple does not promise a length.
_TARGET = re.compile(r"[0-9a-fA-F]{16,200}")


class ApnsChannel:
    """Sends through the Apple Push Notification service.

    Args:
        wire: carries the bytes.
        provider_token: the team's signature.
        topic: the bundle id for targets that name none.
        urls: where APNs is, by environment, without a trailing slash.
    """

    name = "apns"

    def __init__(
        self, *, wire: Wire, provider_token: ProviderToken, topic: str, urls: Mapping[ApnsEnvironment, str]
    ) -> None:
        self._wire = wire
        self._provider_token = provider_token
        self._topic = topic
        self._urls = dict(urls)

    async def send(self, message: Message) -> Outcome:
        """Make one try. A refused provider token is replaced; see `ProviderToken.refused`."""
        target = message.target
        if target.kind is not PushKind.APNS:
            return Rejected("wrong_target_kind")
        if not _TARGET.fullmatch(target.value):
            return TargetDead("malformed_target")
        if "aps" in message.data:
            return Rejected("reserved_data_key")
        try:
            body = build(message)
        except ValueError:  # text that is no Unicode (a lone surrogate)
            return Rejected("invalid_message")
        if len(body) > MAX_PAYLOAD_SIZE:
            return Rejected("PayloadTooLarge")
        authorization = self._provider_token.header()
        headers = {"authorization": authorization, **self.headers(message)}
        try:
            url = f"{self._urls[target.environment]}/3/device/{target.value}"
            response = await self._wire.post(url, headers, body)
        except TransportFailed as failure:
            return transport_outcome(failure.reason)
        outcome = apns_outcome(response.status, response.headers, response.body)
        return self._settled(outcome, response, authorization, message)

    def headers(self, message: Message) -> dict[str, str]:
        """The headers of a message, without the authorization. The same on every try of it."""
        return {
            "apns-id": str(message.id),
            "apns-topic": message.target.topic or self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(int(message.expires_at.timestamp())),
            "apns-collapse-id": message.collapse_id,
            "content-type": "application/json",
        }

    def _settled(self, outcome: Outcome, response: Response, authorization: str, message: Message) -> Outcome:
        if not isinstance(outcome, Retry):
            return outcome
        if outcome.reason in CREDENTIAL_REFUSED and not self._provider_token.refused(authorization):
            return ChannelDown(outcome.reason)
        if outcome.reason == "TooManyProviderTokenUpdates":
            self._provider_token.hold()
        if response.status >= 500 and message.urgent and "retry-after" not in response.headers:
            # Apple wants a quarter of an hour of peace; a code is dead by then, so delivery sets the wait.
            return Retry(outcome.reason)
        return outcome

    async def close(self) -> None:
        """Give back the connections."""
        await self._wire.close()


def build(message: Message) -> bytes:
    """The request's body. The app's notification extension may rewrite it (mutable-content)."""
    payload = Payload(
        alert=PayloadAlert(title=message.title, body=message.body),
        sound="default",
        mutable_content=True,
        interruption_level="time-sensitive" if message.urgent else None,
        custom=dict(message.data),
    )
    return json.dumps(payload.dict(), ensure_ascii=False, separators=(",", ":")).encode()
