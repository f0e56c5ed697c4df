"""A simulated APNs host. HTTP/2 only, `POST /3/device/<token>`, checked as Apple documents it.

Sources: Apple, "Sending notification requests to APNs" (headers, sizes), "Handling notification responses
from APNs" (reasons), "Generating a remote notification" (payload).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from uuid import uuid4

from simulators.answers import Outcome, apns_error
from simulators.apns_auth import ProviderTokens
from simulators.inbox import Note
from simulators.scripts import Script
from simulators.state import Environment, Service, SimulatorState
from simulators.wire import Reply, Request, parse_json

Provider = Literal["apns", "apns-sandbox"]

MAX_PAYLOAD = 4096
MAX_VOIP_PAYLOAD = 5120
MAX_COLLAPSE_ID = 64
PUSH_TYPES = frozenset(
    [
        "alert",
        "background",
        "complication",
        "controls",
        "fileprovider",
        "liveactivity",
        "location",
        "mdm",
        "pushtotalk",
        "voip",
        "widgets",
    ]
)
#: What Apple wants appended to the bundle id for some push types.
TOPIC_SUFFIXES = (
    ".complication",
    ".location-query",
    ".push-type.controls",
    ".push-type.liveactivity",
    ".push-type.widgets",
    ".pushkit.fileprovider",
    ".voip",
    ".voip-ptt",
)

_DEVICE_PATH = "/3/device"
_DEVICE_TOKEN = re.compile(r"[0-9a-fA-F]{64,200}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOPIC = re.compile(r"[A-Za-z0-9.-]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,15}")


@dataclass(slots=True)
class _Call:
    """One request with what the checks look at."""

    request: Request
    fields: dict[str, str] = field(repr=False)
    target: str | None = field(repr=False)


class Apns(Service):
    """The service behind one APNs port.

    `topic` is the bundle id that our key may push to; others are refused with TopicDisallowed.
    """

    http1 = False
    body_limit = 8 * 1024

    def __init__(self, state: SimulatorState, provider: Provider, provider_tokens: ProviderTokens, topic: str) -> None:
        super().__init__(state)
        self.name = provider
        self._environment: Environment = "production" if provider == "apns" else "sandbox"
        self._provider_tokens = provider_tokens
        self._topics = _with_suffixes(topic)
        self._checks: Sequence[Callable[[_Call], str | None]] = (
            self._check_address,
            _check_repetition,
            self._check_sender,
            _check_identity,
            _check_manner,
            self._check_topic,
            _check_target,
            _check_payload,
        )

    def answer(self, request: Request) -> Reply:
        """Check, then play a script or what was declared about the target, then accept.

        Every answer carries `apns-id`, the sender's or a new one; on the sandbox a 200 also carries
        `apns-unique-id`.
        """
        fields = request.fields()
        prefix, _, target = request.path.partition(f"{_DEVICE_PATH}/")
        call = _Call(request, fields, None if prefix or not target else target)
        apns_id = fields.get("apns-id", "")
        if not _UUID.fullmatch(apns_id):
            apns_id = str(uuid4())
        note = Note(self.name, call.target, apns_id, fields.get("apns-collapse-id"))
        reason = next((reason for check in self._checks if (reason := check(call)) is not None), None)
        refusal = None if reason is None else apns_error(reason)
        reply = self._state.play(request, note, refusal, _scripted, partial(self._decide, call))
        reply.headers.append(("apns-id", apns_id))
        if reply.status == 200 and self._environment == "sandbox":
            reply.headers.append(("apns-unique-id", str(uuid4())))
        return reply

    def _decide(self, call: _Call) -> Outcome:
        facts = self._state.targets.get(call.target or "")
        if facts is None:
            return Outcome(200)
        if facts.environment not in (None, self._environment):
            return apns_error("BadDeviceToken")
        topic = call.fields["apns-topic"]
        if facts.topic is not None and topic not in _with_suffixes(facts.topic):
            return apns_error("DeviceTokenNotForTopic")
        if facts.unregistered_since is not None:
            return apns_error("Unregistered", timestamp=int(facts.unregistered_since.timestamp() * 1000))
        return Outcome(200)

    def _check_address(self, call: _Call) -> str | None:
        path = call.request.path
        if path != _DEVICE_PATH and not path.startswith(f"{_DEVICE_PATH}/"):
            return "BadPath"
        if call.request.method != "POST":
            return "MethodNotAllowed"
        if call.target is None:
            return "MissingDeviceToken"
        return None

    def _check_sender(self, call: _Call) -> str | None:
        return self._provider_tokens.refusal(call.request.connection, call.request.bearer())

    def _check_topic(self, call: _Call) -> str | None:
        topic = call.fields.get("apns-topic")
        if not topic:
            return "MissingTopic"
        if not _TOPIC.fullmatch(topic):
            return "BadTopic"
        return None if topic in self._topics else "TopicDisallowed"


def _with_suffixes(topic: str) -> set[str]:
    return {topic, *(topic + suffix for suffix in TOPIC_SUFFIXES)}


def _scripted(script: Script) -> Outcome:
    return apns_error(script.reason, status=script.status, timestamp=script.timestamp, extra=script.detail)


def _check_repetition(call: _Call) -> str | None:
    if len(call.fields) == len(call.request.headers):
        return None
    names = [name for name, _ in call.request.headers if name != "cookie"]  # HTTP/2 may split cookies
    return "DuplicateHeaders" if len(set(names)) < len(names) else None


def _check_identity(call: _Call) -> str | None:
    apns_id = call.fields.get("apns-id")
    if apns_id is not None and not _UUID.fullmatch(apns_id):
        return "BadMessageId"
    collapse_id = call.fields.get("apns-collapse-id")
    # Headers were read as latin-1, so characters are bytes.
    if collapse_id is not None and not 1 <= len(collapse_id) <= MAX_COLLAPSE_ID:
        return "BadCollapseId"
    return None


def _check_manner(call: _Call) -> str | None:
    push_type = call.fields.get("apns-push-type")
    if push_type is not None and push_type not in PUSH_TYPES:
        return "InvalidPushType"
    priority = call.fields.get("apns-priority")
    if priority not in (None, "1", "5", "10") or (push_type == "background" and priority == "10"):
        return "BadPriority"
    expiration = call.fields.get("apns-expiration")
    if expiration is not None and not _SECONDS.fullmatch(expiration):
        return "BadExpirationDate"
    return None


def _check_target(call: _Call) -> str | None:
    return None if _DEVICE_TOKEN.fullmatch(call.target or "") else "BadDeviceToken"


def _check_payload(call: _Call) -> str | None:
    request = call.request
    limit = MAX_VOIP_PAYLOAD if call.fields.get("apns-push-type") == "voip" else MAX_PAYLOAD
    if request.too_long or len(request.body) > limit:
        return "PayloadTooLarge"
    payload = parse_json(request.body)
    # Apple documents no reason of its own for a body that is not JSON or has no `aps`.
    if not isinstance(payload, dict) or not isinstance(payload.get("aps"), dict):
        return "PayloadEmpty"
    return None
