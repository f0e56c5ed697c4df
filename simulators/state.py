"""What all simulated providers are, and share: the clock, the inbox, the scripts, the declared targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from h2.errors import ErrorCodes

from simulators.answers import Outcome
from simulators.inbox import Inbox, Note
from simulators.scripts import UNDECIDED, Fault, Script, ScriptBook
from simulators.wire import Reply, Request, WireFault

Environment = Literal["production", "sandbox"]
PUSH_PROVIDERS = ("fcm", "apns", "apns-sandbox", "hms", "webpush")
#: Whose arrivals the inbox shows.
PROVIDERS = (*PUSH_PROVIDERS, "sms", "email")
MAX_TARGETS = 100_000

_WIRE_FAULTS: dict[Fault, WireFault] = {
    Fault.RESET: "reset",
    Fault.RST_STREAM: "rst_stream",
    Fault.RESET_AFTER_TAKING: "reset",
    Fault.HANG: "hang",
    Fault.TRUNCATE: "truncate",
    Fault.HALF: "hang",
}


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What was declared about one push target.

    `environment` and `topic` are where an APNs target belongs; elsewhere it is refused. Since
    `unregistered_since` the app is gone from the device.
    """

    environment: Environment | None = None
    topic: str | None = None
    unregistered_since: datetime | None = None


@dataclass(slots=True)
class SimulatorState:
    """The state of one set of simulators. Everything here is used from the event loop's thread only.

    `clock` gives seconds since 1970. `goaway_after` is, per provider, after how many requests each connection
    is told to go away.
    """

    clock: Callable[[], float]
    inbox: Inbox
    scripts: ScriptBook = field(default_factory=ScriptBook)
    targets: dict[str, TargetFacts] = field(default_factory=dict)
    goaway_after: dict[str, int] = field(default_factory=dict)

    def declare(self, target: str, facts: TargetFacts) -> None:
        """Remember facts about a target in place of earlier ones. ValueError if there are too many."""
        if target not in self.targets and len(self.targets) >= MAX_TARGETS:
            raise ValueError(f"{MAX_TARGETS} targets are declared already: restart the simulators to forget them.")
        self.targets[target] = facts

    def is_gone(self, target: str | None) -> bool:
        """It was declared that the target is no more."""
        facts = self.targets.get(target or "")
        return facts is not None and facts.unregistered_since is not None

    def set_goaway_after(self, provider: str | None, requests: int | None) -> None:
        """None ends it; no provider stands for all. Connections that are open are counted from their first request."""
        if provider not in (None, *PUSH_PROVIDERS):
            raise ValueError(f"Choose a provider among {', '.join(PUSH_PROVIDERS)}.")
        if requests is not None and requests < 1:
            raise ValueError("Give goaway_after as 1 or more requests, or null for never.")
        for each in PUSH_PROVIDERS if provider is None else (provider,):
            self.goaway_after.pop(each, None)
            if requests is not None:
                self.goaway_after[each] = requests

    def forget_scripts(self) -> None:
        """End all scripts and `goaway_after`. Requests that hang go on hanging."""
        self.scripts.clear()
        self.goaway_after.clear()

    def forget(self) -> None:
        """Forget all that arrived and was said."""
        self.inbox.clear()
        self.forget_scripts()
        self.targets.clear()

    def play(
        self,
        request: Request,
        note: Note,
        refusal: Outcome | None,
        scripted: Callable[[Script], Outcome],
        usual: Callable[[], Outcome],
        *,
        keep: bool = True,
    ) -> Reply:
        """Answer with the refusal if there is one, else as a script for the target says, else as usual."""
        script = self.scripts.take(note.provider, note.target) if refusal is None else None
        answered = scripted(script) if script is not None and script.answers else None
        return self.conclude(request, note, refusal or answered or usual(), script, keep=keep)

    def conclude(
        self, request: Request, note: Note, outcome: Outcome, script: Script | None, *, keep: bool = True
    ) -> Reply:
        """Record the request and turn the outcome, with what the script adds, into a reply.

        With `keep` false nothing is recorded (the token endpoint: no message arrived there).
        """
        decided = script is None or script.fault not in UNDECIDED
        written: Callable[[], None] | None = None
        if keep:
            now = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
            written = self.inbox.record(note, request, outcome if decided else None, now.replace("+00:00", "Z"))
        reply = Reply(outcome.status, outcome.headers, outcome.body, written=written)
        if script is not None:
            _apply(script, request, reply)
        return reply


def _apply(script: Script, request: Request, reply: Reply) -> None:
    reply.delay = script.delay
    if script.retry_after is not None:
        reply.headers.append(("retry-after", str(script.retry_after)))
    if script.body is not None:
        others = [line for line in reply.headers if line[0] != "content-type"]
        reply.headers = [*others, ("content-type", "text/html; charset=UTF-8")]
        reply.body = script.body.encode()
    if script.fault is None or (script.fault is Fault.HALF and _in_first_half(script)):
        return
    reply.fault = _WIRE_FAULTS[script.fault]
    reply.reset_code = ErrorCodes[script.reset_code].value
    if script.fault is Fault.HALF:
        script.held.append(request.connection)
        if script.left == 0:
            for connection in script.held:
                connection.close_soon()


def _in_first_half(script: Script) -> bool:
    return script.times is not None and script.played <= script.times // 2


class Service:
    """What stands behind a listening port: a provider, by its name in scripts and in the inbox, or the control API."""

    name: str
    #: HTTP/1.1 is spoken here as well.
    http1 = True
    #: Bytes of a request body that are kept; below the HTTP/2 stream window of 65,535.
    body_limit = 32 * 1024

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    def answer(self, request: Request) -> Reply:
        """Decide at once, without waiting; waiting is what `Reply.delay` is for."""
        raise NotImplementedError

    def requests_per_connection(self) -> int | None:
        """After how many requests a connection is told to go away; None for never."""
        return self._state.goaway_after.get(self.name)
