"""iPhones: one POST to APNs for one message.

    POST {url}/3/device/{push target}
    {"aps": {"alert": {"title", "body"}, "sound", "mutable-content", "interruption-level"}, …data}

Source: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from apns2.payload import MAX_PAYLOAD_SIZE, Payload, PayloadAlert

from pushhub.channels.contract import (
    ApnsEnvironment,
    ChannelDown,
    Message,
    Outcome,
    PushKind,
    PushTarget,
    Rejected,
    Retry,
    TargetDead,
)
from pushhub.channels.credentials import ProviderToken
from pushhub.channels.json_template import JsonTemplate, hole, members, members_hole, text
from pushhub.channels.outcomes import apns_outcome, retry_after, transport_outcome
from pushhub.channels.transport import STALLED, Host, Line, Response, TransportFailed, Wire

#: A push target becomes part of a URL, so nothing but hexadecimal may pass. Apple does not promise a length.
_TARGET = re.compile(r"[0-9a-fA-F]{16,200}")


class ApnsChannel:
    """Sends through the Apple Push Notification service.

    Args:
        topic: the bundle id for targets that name none.
        urls: where APNs is, by environment, without a trailing slash.
    """

    name = "apns"

    def __init__(
        self, *, wire: Wire, provider_token: ProviderToken, topic: str, urls: Mapping[ApnsEnvironment, str]
    ) -> None:
        self._provider_token = provider_token
        self._topic = topic
        self._urls = dict(urls)
        # One for each URL: what is wrong with a connection to one host says nothing about the other.
        hosts: dict[str, Host] = {}
        for url in self._urls.values():
            if url not in hosts:
                hosts[url] = Host(wire.fresh() if hosts else wire)
        self._hosts = {environment: hosts[url] for environment, url in self._urls.items()}

    async def send(self, message: Message) -> Outcome:
        """Make one try. What an answer says about provider token and connection is seen to; see `_settled`."""
        target = message.push_target(PushKind.APNS)
        if target is None:
            return Rejected("wrong_target_kind")
        if not _TARGET.fullmatch(target.value):
            return TargetDead("malformed_target")
        if "aps" in message.data:
            return Rejected("reserved_data_key")
        try:
            body = build(message)
        except (TypeError, UnicodeEncodeError):  # a value that is no str, a str that is no Unicode
            return Rejected("invalid_message")
        if len(body) > MAX_PAYLOAD_SIZE:
            return Rejected("PayloadTooLarge")
        headers = self.headers(message, target)
        line = self._hosts[target.environment].line
        try:
            response = await line.post(f"{self._urls[target.environment]}/3/device/{target.value}", headers, body)
        except TransportFailed as failure:
            if failure.reason in STALLED:
                self._hosts[target.environment].leave(line)
            return transport_outcome(failure.reason)
        outcome = apns_outcome(response.status, response.headers, response.body)
        if response.status == 200:
            return outcome
        return self._settled(outcome, response, message, _Sent(target, headers["authorization"], line))

    def headers(self, message: Message, target: PushTarget) -> dict[str, str]:
        """The headers of a message. But for the authorization the same on every try of it."""
        return {
            "authorization": self._provider_token.header(),
            "apns-id": str(message.id),
            "apns-topic": target.topic or self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(int(message.expires_at.timestamp())),
            "apns-collapse-id": message.collapse_id,
            "content-type": "application/json",
        }

    def _settled(self, outcome: Outcome, response: Response, message: Message, sent: _Sent) -> Outcome:
        """The outcome of an answer, where it depends on more than the answer; and what follows for the others."""
        host = self._hosts[sent.target.environment]
        again = message.previous_error == getattr(outcome, "reason", None)
        match outcome:
            case TargetDead("BadDeviceToken"):
                other = self._other(sent.target.environment)
                return outcome if again or other is None else Retry("BadDeviceToken", timedelta(0), other)
            case ChannelDown("BadCertificate" | "BadCertificateEnvironment"):
                for each in self._hosts.values():
                    each.leave(each.line)
            case Retry("ExpiredProviderToken"):
                return outcome if self._provider_token.refused(sent.authorization) else ChannelDown(outcome.reason)
            case Retry("TooManyProviderTokenUpdates"):
                self._provider_token.hold()
            case Retry("UnrelatedKeyIdInToken"):
                host.leave(sent.line)
                return ChannelDown(outcome.reason) if again else outcome
            case Retry("IdleTimeout"):
                host.leave(sent.line)
                return Retry(outcome.reason) if again else outcome
            case Retry() if response.status >= 500 and message.urgent:
                # Apple wants a quarter of an hour of peace; a code is dead by then. So it goes once more by another
                # connection, which may lead to another server, and delivery sets the wait.
                host.leave(sent.line)
                return Retry(outcome.reason, retry_after(response.headers))
        return outcome

    def _other(self, environment: ApnsEnvironment) -> ApnsEnvironment | None:
        """Apple's other host, if there is one."""
        return next((each for each, url in self._urls.items() if url != self._urls[environment]), None)

    async def close(self) -> None:
        for host in set(self._hosts.values()):
            await host.close()


@dataclass(frozen=True, slots=True)
class _Sent:
    """How a message went out."""

    target: PushTarget
    authorization: str
    line: Line


def build(message: Message) -> bytes:
    """The request's body, in the shape of apns2's model. The app's notification extension may rewrite it
    (mutable-content).

    Raises TypeError or UnicodeEncodeError for what is no text.
    """
    return _template(message.urgent, bool(message.title), bool(message.body), bool(message.data)).filled(
        {"title": text(message.title), "body": text(message.body), "data": members(message.data)}
    )


@cache
def _template(urgent: bool, with_title: bool, with_body: bool, with_data: bool) -> JsonTemplate:
    model = Payload(
        alert=PayloadAlert(title=hole("title") if with_title else None, body=hole("body") if with_body else None),
        sound="default",
        mutable_content=True,
        interruption_level="time-sensitive" if urgent else None,
        custom=members_hole("data") if with_data else None,
    )
    there = {"title": with_title, "body": with_body, "data": with_data}
    return JsonTemplate(model.dict(), *(name for name, is_there in there.items() if is_there))
