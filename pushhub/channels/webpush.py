"""Browsers, and apps installed from one: one POST to the push service that the browser chose (RFC 8030).

    POST {endpoint of the subscription}
    authorization: vapid t=…,k=…   (RFC 8292)   ttl, urgency, topic
    the message, readable by that browser only  (RFC 8291, aes128gcm)

The message is JSON: {"title", "body", "tag", "data"}; the app's service worker shows it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from http_ece import ECEException
from pywebpush import WebPusher, WebPushException

from pushhub.channels.contract import Accepted, ChannelDown, Message, Outcome, PushKind, Rejected, Retry, TargetDead
from pushhub.channels.outcomes import DEAD, REJECTED, AnswerRow, outcome_of, retry, transport_outcome, unknown_answer
from pushhub.channels.subscription import Subscription, UnfitSubscription
from pushhub.channels.transport import Response, TransportFailed, Wire
from pushhub.channels.vapid import Signature, Vapid
from pushhub.kernel.http_values import json_object

#: Seconds for which push services store a message at most (four weeks).
MAX_TTL = 2_419_200

#: A push service takes 4096 bytes (RFC 8030, 7.2); aes128gcm adds a head of 86 and 17 at the end (RFC 8188).
MAX_PAYLOAD = 4096 - 86 - 17

#: By HTTP status. 401 and 403 are decided in `WebPushChannel`: they speak of us or of the subscription.
WEBPUSH_OUTCOMES: Final[Mapping[int, AnswerRow]] = {
    400: REJECTED,  # RFC 8030: a header of ours is wrong
    404: DEAD,  # RFC 8030, 7.3: the subscription has expired
    406: retry(60),  # Windows: too many
    410: DEAD,  # Google, Mozilla, Apple: the person unsubscribed, or the browser is gone
    413: REJECTED,  # RFC 8030, 7.2: too long
    429: retry(60),  # RFC 8030, 8.4: too many
    500: retry(10),
    502: retry(10),  # Mozilla: something behind it did not answer
    503: retry(10),  # Mozilla: go on more slowly
    504: retry(10),
}

#: By Apple's `reason`, where it says more than the status.
WEBPUSH_REASONS: Final[Mapping[str, AnswerRow]] = {
    "VapidPkHashMismatch": DEAD,  # the subscription was made with another key
}

_TAKEN = (200, 201, 202)
_VAPID_REFUSED = (401, 403)


class WebPushChannel:
    """Sends to the push services of browsers: those of `hosts`, and all below them; see `Subscription.stands_on`."""

    name = "webpush"

    def __init__(self, *, wire: Wire, vapid: Vapid, hosts: Sequence[str]) -> None:
        self._wire = wire
        self._vapid = vapid
        self._hosts = tuple(hosts)

    def public_key(self) -> str:
        """The `applicationServerKey` with which a browser has to subscribe, base64url."""
        return self._vapid.public_key

    async def send(self, message: Message) -> Outcome:
        target = message.push_target(PushKind.WEBPUSH)
        if target is None:
            return Rejected("wrong_target_kind")
        try:
            subscription = Subscription.parse(target.value)
        except UnfitSubscription:
            return TargetDead("malformed_target")
        if not subscription.stands_on(self._hosts):
            return TargetDead("foreign_endpoint")
        try:
            payload = build(message)
            if len(payload) > MAX_PAYLOAD:
                return Rejected("PayloadTooLarge")
            body = bytes(WebPusher(subscription.info()).encode(payload)["body"])
        except (WebPushException, ECEException, ValueError):  # text that is no Unicode (a lone surrogate)
            return Rejected("invalid_message")
        signature = self._vapid.signature(subscription.origin)
        headers = {"authorization": signature.header, **self.headers(message)}
        try:
            response = await self._wire.post(subscription.endpoint, headers, body)
        except TransportFailed as failure:
            return transport_outcome(failure.reason)
        return self._settled(response, message, subscription, signature)

    def headers(self, message: Message) -> dict[str, str]:
        """The headers of a message, without the authorization. `topic` is the same on every try of it."""
        return {
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(message.seconds_left(least=0, most=MAX_TTL)),
            "urgency": "high" if message.urgent else "normal",
            "topic": topic(message.collapse_id),
        }

    def _settled(
        self, response: Response, message: Message, subscription: Subscription, signature: Signature
    ) -> Outcome:
        if response.status in _TAKEN:
            signature.accepted = True
            return Accepted(str(message.id))
        reason = (json_object(response.body) or {}).get("reason")
        if isinstance(reason, str) and reason in WEBPUSH_REASONS:
            return outcome_of(WEBPUSH_REASONS[reason], reason, response.headers)
        if response.status in _VAPID_REFUSED:
            if signature.accepted:
                # By this service, for others: this browser subscribed with another key. It is not called dead: were
                # it our clock after all, every browser would be.
                return Rejected("foreign_key")
            again = self._vapid.refused(subscription.origin, signature)
            return Retry("vapid_refused", timedelta(0)) if again else ChannelDown("vapid_refused")
        row = WEBPUSH_OUTCOMES.get(response.status) or (WEBPUSH_OUTCOMES[500] if response.status >= 500 else None)
        if row is None:
            return unknown_answer("webpush", response.status, None)
        return outcome_of(row, f"http_{response.status}", response.headers)

    async def close(self) -> None:
        await self._wire.close()


def topic(collapse_id: str) -> str:
    """A name of 32 characters of base64url, for a push service to replace an older message by a newer.

    It is a digest, because Apple takes only what can be decoded as base64url, and a push service need not know.
    """
    return urlsafe_b64encode(hashlib.sha256(collapse_id.encode("utf-8", "replace")).digest()[:24]).decode()


def build(message: Message) -> bytes:
    """The message before it is encrypted."""
    document = {"title": message.title, "body": message.body, "tag": message.collapse_id, "data": dict(message.data)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
