"""How fast messages go out and what that costs: our dispatcher, database included, beside libraries that send and
store nothing, in turns against one sink."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.installation import Ground
from benchmarks.report import middle, progress, show
from benchmarks.senders import H2LOAD_MISSING, Dispatcher, Drained, H2Load, Sender, alone, h2load_is_there
from pushhub.delivery.rules import TEST_CHANNEL

HEAD = [
    "wire",
    "sender",
    "database",
    "messages/s",
    "÷ library",
    "sender CPU s/1000",
    "database CPU s/1000",
    "sink CPU s/1000",
    "CPU ÷ library",
]


@dataclass(slots=True)
class Line:
    """One sender on one wire, and what was measured of it."""

    wire: str
    sender: Sender
    #: The library that others on this wire are compared with.
    is_measure: bool = False
    turns: list[Drained] = field(default_factory=list)

    def row(self, measure: Sequence[Drained]) -> list[str]:
        faster = [mine.per_second / theirs.per_second for mine, theirs in zip(self.turns, measure, strict=False)]
        dearer = [_cpu(mine) / _cpu(theirs) for mine, theirs in zip(self.turns, measure, strict=False)]
        return [
            self.wire,
            self.sender.name,
            self.sender.database,
            middle([turn.per_second for turn in self.turns]),
            middle(faster, 2),
            middle([turn.sender_cpu for turn in self.turns], 3),
            middle([turn.database_cpu for turn in self.turns], 3),
            middle([turn.sink_cpu for turn in self.turns], 3),
            middle(dearer, 2),
        ]


def run(ground: Ground) -> None:
    """Measure and print."""
    options = ground.options
    with ExitStack() as stack:
        lines = _lines(ground, stack)
        for number in range(options.rounds):
            progress(f"drain: round {number + 1} of {options.rounds}")
            for line in lines:
                line.turns.append(line.sender.turn(options.queued))
    measures = {line.wire: line.turns for line in lines if line.is_measure}
    show(
        f"drain: {options.queued:,} messages in turns to one sink; median of {options.rounds} (least-greatest)",
        HEAD,
        [line.row(measures.get(line.wire, [])) for line in lines],
        words=3,
    )
    if not h2load_is_there():
        print(f"\n  {H2LOAD_MISSING}")


def _lines(ground: Ground, stack: ExitStack) -> list[Line]:
    sink, home = ground.sink, ground.home
    dispatchers = [(each, stack.enter_context(each.dispatched())) for each in ground.installations]
    for each, _ in dispatchers:
        each.rows.fill_queue(50, "apns")
        each.rows.wait_until_idle()

    def ours(wire: str, channel: str, *, by_wire: bool = True) -> list[Line]:
        return [Line(wire, Dispatcher(each, program, sink, channel, by_wire)) for each, program in dispatchers]

    def library(wire: str, name: str, rival: str, *, is_measure: bool = True) -> Line:
        return Line(wire, stack.enter_context(alone(name, rival, sink, home)), is_measure)

    return [
        *ours("FCM", "fcm"),
        library("FCM", "firebase-admin send_each", "send_each"),
        library("FCM", "pyreqwest (the floor)", "pyreqwest", is_measure=False),
        *([Line("FCM", H2Load(sink, home, "fcm"))] if h2load_is_there() else []),
        *ours("APNs", "apns"),
        library("APNs", "aioapns", "aioapns"),
        *([Line("APNs", H2Load(sink, home, "apns"))] if h2load_is_there() else []),
        *ours("none", TEST_CHANNEL, by_wire=False),
    ]


def _cpu(turn: Drained) -> float:
    """Of sender and database."""
    return turn.sender_cpu + (0.0 if math.isnan(turn.database_cpu) else turn.database_cpu)
