"""How fast a dispatcher empties a full queue while nobody asks, and what it costs."""

from __future__ import annotations

import time

from benchmarks import servers
from benchmarks.installation import Ground, Installation
from benchmarks.processes import cpu_seconds
from benchmarks.report import middle, progress, show
from pushhub.delivery.rules import TEST_CHANNEL

#: Over the wire to the simulated FCM, and to the channel that takes everything at once: what is left is the queue.
CHANNELS = ("fcm", TEST_CHANNEL)


def run(ground: Ground) -> None:
    """Measure and print."""
    ground.provider.count_only(True)
    rows = []
    for each in ground.installations:
        with servers.dispatcher(ground.home, each.engine, each.environ) as dispatcher:
            each.rows.fill_queue(100, "fcm")  # connections, OAuth credential
            dispatcher.wait_until(each.rows.is_idle, "The dispatcher")
            for channel in CHANNELS:
                progress(f"drain: {each.engine.name}, {channel}")
                rows.append(_measure(ground, each, dispatcher.pid, channel))
    show(
        f"drain: {ground.options.queued:,} deliveries in the queue, one dispatcher, no service",
        ["database", "channel", "deliveries/s", "dispatcher CPU s/1000", "database CPU s/1000", "simulator CPU s/1000"],
        rows,
    )


def _measure(ground: Ground, installation: Installation, pid: int, channel: str) -> list[str]:
    count, rows = ground.options.queued, installation.rows
    pids = (pid, installation.engine.server_pid, ground.provider.program.pid)
    rows.fill_queue(count, channel)
    began, before = time.time(), [cpu_seconds(each) for each in pids]
    rows.wait_until_idle(120)
    spent = [(cpu_seconds(each) - start) / count * 1000 for each, start in zip(pids, before, strict=True)]
    first, last = rows.span_of_attempts(began)
    cpu = [middle([each], 2) for each in spent]
    return [installation.engine.name, channel, f"{count / (last - first):,.0f}", *cpu]
