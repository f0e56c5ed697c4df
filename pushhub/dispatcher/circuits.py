"""Circuits: a way out that is found shut is left alone for a while, so that codes go on to their next channel at
once instead of each finding out by itself.

    closed ──(credentials refused, or most answers are failures of theirs)──→ open
    open ────(its pause is over: one message is let through)────────────────→ trying
    trying ──(that one got through)──→ closed          ──(it did not)──→ open, with a longer pause

A channel may serve several apps (APNs topics on two hosts); each has a circuit of its own. Every dispatcher
decides for itself; what is open is also written down for people (`pushhub doctor`, `/metrics`).
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from pushhub.channels.contract import ChannelDown, Message, Outcome, PushKind, PushTarget, Retry
from pushhub.delivery.models import OpenCircuit
from pushhub.kernel import clock
from pushhub.kernel.db import insert, reading, transaction

log = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(seconds=10)
#: How many of the latest answers are looked at, how many there must be, and how many of them failures.
_LOOKED_AT = 40
_ENOUGH = 20
_TOO_MANY = 0.8
#: Limits that the provider sets are no failure of its own.
_LIMITS = frozenset({"QUOTA_EXCEEDED", "TooManyRequests", "http_429", "http_406", "BadDeviceToken"})
#: A row that no dispatcher has renewed for so long is of one that is gone.
_FORGOTTEN = timedelta(minutes=1)
#: Nothing was sent to this app for so long: an app that a device made up, for which nobody will ever try again.
_UNUSED = timedelta(minutes=5)


@dataclass(slots=True)
class Circuit:
    """The circuit of one app."""

    reason: str | None = None
    opened_at: datetime | None = None
    next_try_at: datetime | None = None
    pause: timedelta = _FIRST_PAUSE
    trying: bool = False
    used_at: datetime | None = None
    latest: deque[bool] = field(default_factory=lambda: deque(maxlen=_LOOKED_AT))

    def lets_through(self, now: datetime) -> bool:
        """Whether to try. In the pause nobody is; after it, one at a time."""
        if self.next_try_at is None:
            return True
        if now < self.next_try_at:
            return False
        self.next_try_at, self.trying = now + self.pause, True
        return True

    def learn(self, outcome: Outcome, now: datetime) -> bool:
        """Take note of an answer. True where it opened the circuit."""
        down = isinstance(outcome, ChannelDown)
        failed = down or (isinstance(outcome, Retry) and outcome.reason not in _LIMITS)
        self.latest.append(failed)
        if not isinstance(outcome, ChannelDown | Retry) or not failed:
            self.reason = self.opened_at = self.next_try_at = None
            self.pause, self.trying = _FIRST_PAUSE, False
            return False
        if self.reason is not None:
            if self.trying:  # the one that was let through found it shut still
                self.pause, self.trying = min(self.pause * 2, _LONGEST_PAUSE), False
                self.next_try_at = now + self.pause
            return False
        mostly = len(self.latest) >= _ENOUGH and sum(self.latest) >= _TOO_MANY * len(self.latest)
        if not (down or mostly):
            return False
        self.reason, self.opened_at, self.next_try_at = outcome.reason, now, now + self.pause
        return True


class Circuits:
    """The circuits of one channel."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        #: Set when one closes, until what was put off has been released.
        self.just_closed = False
        self._by_app: dict[str, Circuit] = {}
        self._shown: set[str] = set()

    def of(self, message: Message) -> Circuit:
        """The circuit of the app that this message goes to."""
        app = ""
        if isinstance(message.target, PushTarget) and message.target.kind is PushKind.APNS:
            app = f"{message.target.topic or ''} {message.target.environment}".strip()
        circuit = self._by_app.setdefault(app, Circuit())
        circuit.used_at = clock.now()
        return circuit

    def any_open(self) -> bool:
        """Whether one of them is open."""
        return any(circuit.reason is not None for circuit in self._by_app.values())

    def learn(self, message: Message, outcome: Outcome) -> None:
        """Take note of the answer to a message; opening a circuit is told to the operator, loudly."""
        circuit = self.of(message)
        was_open = circuit.reason is not None
        if circuit.learn(outcome, clock.now()):
            log.error("circuit opened", extra={"channel": self.channel, "reason": circuit.reason})
        elif was_open and circuit.reason is None:
            log.warning("circuit closed", extra={"channel": self.channel})
            self.just_closed = True

    def open_now(self) -> list[dict[str, object]]:
        """The open ones, as rows; those that nobody has used for a while are forgotten."""
        now = clock.now()
        for app, circuit in list(self._by_app.items()):
            if circuit.used_at is not None and circuit.used_at < now - _UNUSED:
                del self._by_app[app]
        return [
            {
                "channel": self.channel,
                "app": app,
                "reason": (circuit.reason or "")[:60],
                "opened_at": circuit.opened_at,
                "seen_at": now,
            }
            for app, circuit in self._by_app.items()
            if circuit.reason is not None
        ]

    def closed_since(self) -> set[str]:
        """The apps whose circuits were told as open the last time, and are not open any more."""
        open_apps = {app for app, circuit in self._by_app.items() if circuit.reason is not None}
        closed, self._shown = self._shown - open_apps, open_apps
        return closed


def write_down(circuits: list[Circuits]) -> None:
    """Renew the rows of what is open here, drop those of what has closed here (another dispatcher that finds it shut
    renews its own soon), and those that nobody has renewed for a while."""
    rows = [row for entry in circuits for row in entry.open_now()]
    with transaction() as session:
        for row in rows:
            statement = insert(OpenCircuit).values(row)
            again = {"reason": statement.excluded.reason, "seen_at": statement.excluded.seen_at}
            session.execute(statement.on_conflict_do_update(index_elements=["channel", "app"], set_=again))
        for entry in circuits:
            for app in entry.closed_since():
                session.execute(
                    sa.delete(OpenCircuit).where(OpenCircuit.channel == entry.channel, OpenCircuit.app == app)
                )
        session.execute(sa.delete(OpenCircuit).where(OpenCircuit.seen_at < clock.now() - _FORGOTTEN))


def open_circuits() -> list[OpenCircuit]:
    """The open circuits of all dispatchers."""
    with reading() as session:
        return list(session.scalars(sa.select(OpenCircuit).order_by(OpenCircuit.channel, OpenCircuit.app)))
