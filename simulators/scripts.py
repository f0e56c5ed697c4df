"""Scripted answers and faults: what a provider shall do with the next requests, for one target or for all.

A script applies to requests that the provider would otherwise look at, that is after authentication, headers
and payload were found good, so a script never hides a mistake of the sender.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from h2.errors import ErrorCodes

from simulators.answers import APNS_STATUSES, FCM_ERRORS, GOOGLE_REASONS, HMS_CODES

if TYPE_CHECKING:
    from simulators.wire import Peer

#: Token endpoints, of Google and of Huawei: they must be named; a script without a provider applies to messages.
TOKEN_ENDPOINTS = ("oauth", "hms-oauth")
#: Who can be scripted.
PROVIDERS = ("fcm", "apns", "apns-sandbox", "hms", "webpush", "sms", "email", *TOKEN_ENDPOINTS)
#: What a mail server answers to, in this order.
SMTP_STAGES = ("connect", "ehlo", "auth", "mail", "rcpt", "data")
MAX_SCRIPTS = 100_000
MAX_DELAY = 3600.0


class Fault(StrEnum):
    """How the wire misbehaves, and what becomes of the message.

    The first two happen before the provider decided anything (status None), the others after it took it.
    """

    #: The TCP connection is reset (RST) before the provider decided anything.
    RESET = "reset"
    #: The stream is reset with `reset_code`; on HTTP/1.1 the connection. REFUSED_STREAM promises the client
    #: that nothing was processed (RFC 9113 section 8.7).
    RST_STREAM = "rst_stream"
    #: Taken, then the TCP connection is reset: the sender can't know that it arrived.
    RESET_AFTER_TAKING = "reset_after_taking"
    #: Taken, never answered.
    HANG = "hang"
    #: Taken, the head and half of the body of the answer are written, then the connection is closed.
    TRUNCATE = "truncate"
    #: Of `times` requests all are taken, the first half is answered, the others wait; with the last one the
    #: connections of those that wait are closed.
    HALF = "half"


#: What happens before a decision.
UNDECIDED = frozenset({Fault.RESET, Fault.RST_STREAM})


@dataclass(slots=True, kw_only=True, eq=False)
class Script:
    """What to do with the next `times` matching requests (None: with all from now on).

    `status` may be left out where `reason` (an APNs `reason`, an FCM `errorCode`, or one of UNAUTHENTICATED,
    PERMISSION_DENIED, NOT_FOUND for a Google error without `FcmError`) implies it. `timestamp` is in
    milliseconds since 1970 (APNs 410), `retry_after` in seconds, `delay` in seconds before the answer or the
    fault. `detail` is one more object for FCM's `details`, or more keys for the body of APNs. `body` is the whole
    body of the answer in place of the provider's JSON, as what stands before a provider sends it (a page of HTML).

    ValueError, with a sentence that says what to do, for anything that can't be played.
    """

    provider: str | None = None
    target: str | None = field(default=None, repr=False)
    times: int | None = 1
    status: int | None = None
    reason: str | None = None
    timestamp: int | None = None
    retry_after: int | None = None
    detail: Mapping[str, Any] | None = None
    body: str | None = None
    delay: float = 0.0
    fault: Fault | None = None
    reset_code: str = "REFUSED_STREAM"
    id: int = field(default=0, init=False)
    played: int = field(default=0, init=False)
    held: list[Peer] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        _check_types(self)
        if self.provider is not None and self.provider not in PROVIDERS:
            raise ValueError(f"Choose a provider among {', '.join(PROVIDERS)}, or leave it out for all.")
        if self.times is not None and self.times < 1:
            raise ValueError("Give times as 1 or more, or null for all requests from now on.")
        if not 0 <= self.delay <= MAX_DELAY:
            raise ValueError(f"Give delay in seconds, 0 to {MAX_DELAY:.0f}.")
        self._check_fault()
        self._check_answer()

    def _check_fault(self) -> None:
        if self.fault is not None:
            if self.fault not in list(Fault):
                raise ValueError(f"Choose a fault among {', '.join(Fault)}.")
            self.fault = Fault(self.fault)
        if self.fault is Fault.HALF and (self.times is None or self.times < 2):
            raise ValueError("The fault half needs times: of how many requests shall half be answered?")
        if self.reset_code not in ErrorCodes.__members__:
            raise ValueError("Give reset_code as a name of RFC 9113 section 7, for example REFUSED_STREAM.")

    def _check_answer(self) -> None:
        if self.provider == "email" and self.detail and self.detail.get("stage") not in SMTP_STAGES:
            raise ValueError(f"Give detail of email as a stage: {', '.join(SMTP_STAGES)}.")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("Give status as an HTTP status, 200 to 599.")
        if self.status is None and self.reason is None and self.fault is None and self.delay == 0:
            raise ValueError("Say what to do: give at least one of status, reason, fault and delay.")
        if self.status is None and self.reason is not None and not _implied(self.provider, self.reason):
            raise ValueError("This reason implies no status here: name the provider it belongs to, or the status.")
        of_answers = (self.detail if self.provider != "email" else None) or self.retry_after is not None
        if self.status is None and self.reason is None and of_answers:
            raise ValueError("detail and retry_after belong to an answer: give status or reason as well.")
        if self.body is not None and self.status in (None, 200):
            raise ValueError("body belongs to an error that is not the provider's own: give its status as well.")

    @property
    def answers(self) -> bool:
        """It sets the answer, rather than only a delay or a fault."""
        return self.reason is not None or self.status not in (None, 200)

    @property
    def left(self) -> int | None:
        """For how many requests it still stands; None for all."""
        return None if self.times is None else self.times - self.played

    def as_json(self) -> dict[str, Any]:
        """The shape in which the control API shows it."""
        names = [each.name for each in fields(self) if each.init]
        return {"id": self.id, **{name: getattr(self, name) for name in names}, "left": self.left}

    @classmethod
    def from_json(cls, value: object) -> Script:
        """Read what `POST /scripts` takes. ValueError with a sentence for what is wrong."""
        if not isinstance(value, dict):
            raise ValueError("Send one script as a JSON object.")
        known = [each.name for each in fields(cls) if each.init]
        if unknown := sorted(set(value) - set(known)):
            raise ValueError(f"Remove {', '.join(unknown)[:100]}: a script has {', '.join(known)}.")
        return cls(**value)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "provider": (str,),
    "target": (str,),
    "times": (int,),
    "status": (int,),
    "reason": (str,),
    "timestamp": (int,),
    "retry_after": (int,),
    "detail": (Mapping,),
    "body": (str,),
    "delay": (int, float),
    "fault": (str,),
    "reset_code": (str,),
}
_NEVER_NULL = ("delay", "reset_code")


def _check_types(script: Script) -> None:
    for name, allowed in _TYPES.items():
        value = getattr(script, name)
        if value is None and name not in _NEVER_NULL:
            continue
        if not isinstance(value, allowed) or isinstance(value, bool):
            kind = {str: "a string", int: "a whole number", Mapping: "an object"}.get(allowed[0], "a number")
            raise ValueError(f"Give {name} as {kind}.")


def _implied(provider: str | None, reason: str) -> bool:
    google, apple = reason in FCM_ERRORS or reason in GOOGLE_REASONS, reason in APNS_STATUSES
    implied = {"fcm": google, "apns": apple, "apns-sandbox": apple, "hms": reason in HMS_CODES}
    return all(implied.values()) if provider is None else implied.get(provider, False)


def _any(script: Script) -> bool:
    return True


class ScriptBook:
    """The scripts that stand, first in, first out. Found by target, so that many scripts cost no speed."""

    def __init__(self) -> None:
        self._by_target: dict[str | None, deque[Script]] = {}
        self._next_id = 1
        self._size = 0

    def add(self, script: Script) -> int:
        """Put one at the end; returns its id. ValueError if there are too many already."""
        if self._size >= MAX_SCRIPTS:
            raise ValueError(f"There are {MAX_SCRIPTS} scripts already: delete them first (DELETE /scripts).")
        script.id = self._next_id
        self._next_id += 1
        self._size += 1
        self._by_target.setdefault(script.target, deque()).append(script)
        return script.id

    def take(self, provider: str, target: str | None, fits: Callable[[Script], bool] = _any) -> Script | None:
        """The script for this request, its count brought forward; a script that is used up is gone."""
        if not self._size:
            return None
        keys = {target, None}
        found = [script for key in keys if (script := self._first(provider, key, fits)) is not None]
        if not found:
            return None
        script = min(found, key=lambda each: each.id)
        script.played += 1
        if script.left == 0:
            self._remove(script)
        return script

    def _first(self, provider: str, target: str | None, fits: Callable[[Script], bool]) -> Script | None:
        for script in self._by_target.get(target, ()):
            named = script.provider == provider or (script.provider is None and provider not in TOKEN_ENDPOINTS)
            if named and fits(script):
                return script
        return None

    def _remove(self, script: Script) -> None:
        queue = self._by_target[script.target]
        queue.remove(script)
        self._size -= 1
        if not queue:
            del self._by_target[script.target]

    def all(self) -> list[Script]:
        """Those that stand, oldest first."""
        return sorted((each for queue in self._by_target.values() for each in queue), key=lambda each: each.id)

    def clear(self) -> None:
        """Forget all of them."""
        self._by_target.clear()
        self._size = 0
