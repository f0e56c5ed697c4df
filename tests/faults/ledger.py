"""The reckoning after a fault: what was asked for, what the database says, what the providers saw.

However a fault goes, these hold:

- each code that was asked for is one verification with one delivery, whether or not the asking was repeated;
- each delivery came to its end; `accepted` in the database exactly where a provider took it;
- a provider took a delivery twice only where an answer was lost: there the try has no outcome (its dispatcher
  died), or the outcome says that the answer never came;
- the second copy has the ids of the first, so that it takes its place on the phone;
- nothing was sent after its time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import DeliveryStatus
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.verifications.models import Verification
from simulators.inbox import Arrival
from tests.faults.asking import Ask

#: After these the sender can't know whether the provider took the message (see `pushhub.channels.transport`).
ANSWER_LOST = frozenset({"timeout", "reset", "failed", "closed"})
ENDED = frozenset({DeliveryStatus.ACCEPTED, DeliveryStatus.DEAD})


@dataclass(frozen=True, slots=True)
class Fate:
    """One delivery with its tries, and with what the providers saw of it, oldest first."""

    row: Any
    attempts: list[Any]
    arrivals: list[Arrival]

    @property
    def taken(self) -> list[Arrival]:
        return [arrival for arrival in self.arrivals if arrival.status == 200]

    @property
    def answers_lost(self) -> int:
        """For how many tries nobody can know what the provider did."""
        # Where the database went away during a commit, the same try may be written down a second time.
        told = {attempt.started_at: attempt.reason for attempt in self.attempts}
        untold: int = self.row.tries - len(told)
        return untold + sum(reason in ANSWER_LOST for reason in told.values())


@dataclass(slots=True)
class Ledger:
    """Everything of one fault."""

    asks: Sequence[Ask]
    verifications: int
    fates: dict[UUID, Fate] = field(repr=False)

    @classmethod
    def read(cls, connection: sa.Connection, asks: Sequence[Ask], arrivals: Iterable[Arrival]) -> Ledger:
        attempts, seen = defaultdict(list), defaultdict(list)
        for attempt in connection.execute(sa.select(Attempt.__table__).order_by(Attempt.id)):
            attempts[attempt.delivery_id].append(attempt)
        for arrival in arrivals:
            seen[delivery_of(arrival)].append(arrival)
        rows = connection.execute(sa.select(Delivery.__table__)).all()
        fates = {row.id: Fate(row, attempts[row.id], seen.pop(row.id, [])) for row in rows}
        assert not seen, f"providers saw {len(seen)} deliveries that the database has never heard of"
        count = connection.scalar(sa.select(sa.func.count()).select_from(Verification))
        return cls(asks, count or 0, fates)

    @property
    def lost(self) -> list[Ask]:
        """Codes that the product was promised and that no provider took, though the phone is there."""
        reached = {
            fate.row.verification_id
            for fate in self.fates.values()
            if fate.taken or fate.row.status == DeliveryStatus.DEAD
        }
        return [ask for ask in self.asks if ask.verification_id not in reached]

    @property
    def doubled(self) -> dict[UUID, Fate]:
        """Deliveries that a provider took more than once."""
        return {key: fate for key, fate in self.fates.items() if len(fate.taken) > 1}

    def delays(self, provider: str | None = None) -> list[float]:
        """Seconds from each ask to the provider's taking it, shortest first."""
        return sorted(
            self.delay(fate)
            for fate in self.fates.values()
            if fate.taken and provider in (None, fate.taken[0].provider)
        )

    def delay(self, fate: Fate) -> float:
        """Seconds from the ask to the provider's taking it."""
        (asked_at,) = (ask.asked_at for ask in self.asks if ask.verification_id == fate.row.verification_id)
        return seconds_of(fate.taken[0]) - asked_at

    def check(self, *, gone: int = 0) -> None:
        """Hold the ledger against the rules; so many phones are gone and must be known as such."""
        answers = Counter(ask.answers[-1] for ask in self.asks)
        assert set(answers) == {201}, f"answers to the product: {answers}"
        assert len({ask.verification_id for ask in self.asks}) == len(self.asks) == self.verifications
        assert Counter(fate.row.verification_id for fate in self.fates.values()) == Counter(
            ask.verification_id for ask in self.asks
        ), "a verification without a delivery, or with several"
        ends = Counter(fate.row.status for fate in self.fates.values())
        assert set(ends) <= ENDED, f"deliveries ended as {ends}: {self._errors()}"
        assert ends[DeliveryStatus.DEAD] == gone
        assert not self.lost
        for fate in self.fates.values():
            assert bool(fate.taken) == (fate.row.status == DeliveryStatus.ACCEPTED), fate
            assert not fate.taken or seconds_of(fate.taken[-1]) < fate.row.expires_at.timestamp(), fate
            _check_names(fate)

    def check_copies(self) -> None:
        """No delivery was taken more often than answers to it were lost."""
        for fate in self.doubled.values():
            assert len(fate.taken) - 1 <= fate.answers_lost, f"sent twice without need: {fate}"

    def _errors(self) -> Counter[str | None]:
        return Counter(fate.row.error for fate in self.fates.values() if fate.row.status not in ENDED)


def _check_names(fate: Fate) -> None:
    cause = public_id(Prefix.VERIFICATION, fate.row.verification_id)
    for arrival in fate.arrivals:
        assert arrival.provider == fate.row.channel, fate
        assert arrival.collapse_id == cause, fate
        if arrival.provider == "apns":
            assert arrival.message_id == str(fate.row.id), fate


def delivery_of(arrival: Arrival) -> UUID:
    """Which delivery a provider saw."""
    payload = arrival.payload
    data = payload["message"]["data"] if arrival.provider == "fcm" else payload
    return parse_id(Prefix.DELIVERY, data["delivery_id"])


def seconds_of(arrival: Arrival) -> float:
    """When it reached the provider, in seconds since 1970."""
    return datetime.fromisoformat(arrival.at).timestamp()
