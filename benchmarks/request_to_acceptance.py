"""How long from the product's request until the provider has the message, at a steady load."""

from __future__ import annotations

from datetime import datetime

from benchmarks.client import Asked
from benchmarks.installation import Ground, Installation
from benchmarks.report import QUANTILES, progress, quantiles, show
from pushhub.ids import Prefix, parse_id


def run(ground: Ground, fastest: dict[str, float]) -> None:
    """Measure and print. `fastest` has the codes a second that each database can do, where it is known."""
    ground.provider.count_only(False)
    rows = []
    for each in ground.installations:
        rows += _measure(ground, each, fastest.get(each.engine.name))
    show(
        f"request_to_acceptance: milliseconds since it was due; {ground.options.steady_seconds:.0f} s of steady load",
        ["database", "codes/s", "codes", "refused", "until", *QUANTILES],
        rows,
    )


def _measure(ground: Ground, installation: Installation, fastest: float | None) -> list[list[str]]:
    options, rows = ground.options, installation.rows
    with installation.served() as server:
        product = installation.product(server)
        probe = product.without_pause(options.clients, options.warm_up)
        rows.wait_until_idle()
        rate = options.rate or (fastest or probe.per_second) / 2
        progress(f"request_to_acceptance: {installation.engine.name}, {rate:.0f} codes/s")
        asked = product.at_rate(rate, options.steady_seconds)
        rows.wait_until_idle()
    known = {str(key): at for key, at in rows.accepted(asked.began).items()}
    reached = _arrivals(ground)
    first = [
        installation.engine.name,
        f"{len(asked.made) / asked.seconds:.0f}",
        str(len(asked.made)),
        asked.others or "none",
    ]
    lines = [
        ("answer to the product", [answer.seconds for answer in asked.made]),
        ("arrival at the provider", _since_due(asked, reached)),
        ("acceptance known to us", _since_due(asked, known)),
    ]
    return [
        [*(first if index == 0 else [""] * len(first)), what, *quantiles(seconds)]
        for index, (what, seconds) in enumerate(lines)
    ]


def _since_due(asked: Asked, moments: dict[str, float]) -> list[float]:
    found = []
    for answer in asked.made:
        at = moments.get(str(parse_id(Prefix.VERIFICATION, answer.id)))
        if at is not None:
            found.append(at - answer.due)
    if len(found) != len(asked.made):
        print(f"  {len(asked.made) - len(found)} of {len(asked.made)} were not accepted")
    return found


def _arrivals(ground: Ground) -> dict[str, float]:
    """When each verification's push arrived at the simulated FCM. Its collapse key is the verification's id."""
    return {
        str(parse_id(Prefix.VERIFICATION, arrival["collapse_id"])): datetime.fromisoformat(arrival["at"]).timestamp()
        for arrival in ground.provider.arrivals()
        if arrival["status"] == 200
    }
