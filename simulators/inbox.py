"""What arrived at the simulated providers. Bounded: the newest are kept, the rest are only counted."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from simulators.answers import Outcome
from simulators.wire import Request, parse_json

DEFAULT_KEEP = 200_000


@dataclass(slots=True)
class Note:
    """What the inbox shall remember of one request beside the request itself, and of its body what a person
    would read (None: the body as it is)."""

    provider: str
    target: str | None = field(default=None, repr=False)
    message_id: str | None = None
    collapse_id: str | None = None
    payload: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class Arrival:
    """One request that reached a provider, taken or refused.

    `status` and `reason` are what the provider decided; `status` is None if it never came to a decision (the
    connection or the stream was reset first), so a message was taken exactly if `status` is 200. `answered`
    tells whether the whole answer was written to the connection. A message with status 200 that was not
    answered is the case that makes senders repeat themselves. `connection` numbers the connections as they came.

    `provider` is "fcm", "apns" or "apns-sandbox". `message_id` is the apns-id or the FCM message name,
    `collapse_id` the apns-collapse-id or android.collapse_key, `at` an RFC 3339 time in UTC. Target, headers
    and payload are personal data: they are not in the `repr`.
    """

    seq: int
    provider: str
    target: str | None = field(repr=False)
    message_id: str | None
    collapse_id: str | None
    at: str
    status: int | None
    reason: str | None
    answered: bool
    connection: int
    raw_headers: str = field(repr=False)
    raw_payload: bytes = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case, without `authorization`."""
        lines = self.raw_headers.split("\n") if self.raw_headers else []
        return {name: value for name, _, value in (line.partition(":") for line in lines)}

    @property
    def payload(self) -> Any:
        """The parsed JSON body; None if it was not JSON."""
        return parse_json(self.raw_payload)

    def as_json(self) -> dict[str, Any]:
        """The shape in which the control API shows it."""
        shown = asdict(self)
        del shown["raw_headers"], shown["raw_payload"]
        return {**shown, "headers": self.headers, "payload": self.payload}


@dataclass(slots=True)
class Count:
    """How many requests reached one provider, kept or not. `by_status` has the key "none" for undecided."""

    arrived: int = 0
    answered: int = 0
    by_status: dict[str, int] = field(default_factory=dict)


class Inbox:
    """The arrivals. With `count_only` nothing is kept, which is what a benchmark wants."""

    def __init__(self, keep: int) -> None:
        self.count_only = False
        self.counts: dict[str, Count] = {}
        self._kept: deque[Arrival] = deque(maxlen=keep)
        #: The number of the newest arrival; it does not go back when the inbox is cleared.
        self.last_seq = 0

    def record(self, note: Note, request: Request, outcome: Outcome | None, at: str) -> Callable[[], None]:
        """Note one request, and what was decided about it; the returned function notes that it was answered."""
        count = self.counts.setdefault(note.provider, Count())
        count.arrived += 1
        key = "none" if outcome is None else str(outcome.status)
        count.by_status[key] = count.by_status.get(key, 0) + 1
        self.last_seq += 1
        if self.count_only:
            return partial(_answered, count, None)
        # One string takes a third of the memory of a list of pairs; about 1.3 KB are left per arrival.
        raw_headers = "\n".join(f"{name}:{value}" for name, value in request.headers if name != "authorization")
        arrival = Arrival(
            seq=self.last_seq,
            provider=note.provider,
            target=note.target,
            message_id=note.message_id,
            collapse_id=note.collapse_id,
            at=at,
            status=None if outcome is None else outcome.status,
            reason=None if outcome is None else outcome.reason,
            answered=False,
            connection=request.connection.number,
            raw_headers=raw_headers,
            raw_payload=request.body if note.payload is None else note.payload,
        )
        self._kept.append(arrival)
        return partial(_answered, count, arrival)

    def arrived(
        self,
        *,
        provider: str | None = None,
        target: str | None = None,
        after: int = 0,
        limit: int | None = None,
        newest: int | None = None,
    ) -> list[Arrival]:
        """Copies of the kept arrivals in their order, those with `seq` above `after`: the first `limit` of them, or the
        `newest`."""
        found: deque[Arrival] | list[Arrival] = [] if newest is None else deque(maxlen=newest)
        first = bisect_right(self._kept, after, key=lambda each: each.seq)
        for arrival in islice(self._kept, first, None):
            if limit is not None and len(found) >= limit:
                break
            if provider in (None, arrival.provider) and target in (None, arrival.target):
                found.append(copy(arrival))
        return list(found)

    def clear(self) -> None:
        """Forget arrivals and counts."""
        self._kept.clear()
        self.counts.clear()


def _answered(count: Count, arrival: Arrival | None) -> None:
    count.answered += 1
    if arrival is not None:
        arrival.answered = True
