"""How long from the product's request until the provider has the message, at a steady load."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from benchmarks import servers
from benchmarks.client import Asked
from benchmarks.codes_per_second import DISPATCHERS
from benchmarks.installation import Ground, Installation, Options
from benchmarks.report import QUANTILES, progress, quantiles, show
from benchmarks.servers import Simulators
from pushhub.kernel.ids import Prefix, parse_id

HEAD = ["database", "dispatcher", "codes/s", "codes", "refused", "until", *QUANTILES]


def run(ground: Ground) -> None:
    """Measure and print."""
    rows = []
    with servers.simulators(ground.home) as simulators:
        for each in ground.installations:
            installation = replace(each, environ=each.environ | simulators.settings)
            for dispatcher in DISPATCHERS:
                known = ground.fastest.get((each.engine.name, dispatcher))
                rows += _measure(ground.options, simulators, installation, dispatcher, known)
    show(
        f"request_to_acceptance: milliseconds since it was due; {ground.options.steady_seconds:.0f} s of steady load",
        HEAD,
        rows,
        words=2,
    )


def _measure(
    options: Options, simulators: Simulators, installation: Installation, dispatcher: str, fastest: float | None
) -> list[list[str]]:
    rows, name = installation.rows, installation.engine.name
    with ExitStack() as stack:
        server = stack.enter_context(installation.served(dispatcher))
        if dispatcher == "external":
            stack.enter_context(installation.dispatched())
        probe = server.product.without_pause(options.clients, options.warm_up)
        rows.wait_until_idle()
        rate = options.rate or (fastest or probe.per_second) / 2
        progress(f"request_to_acceptance: {name}, {dispatcher} dispatcher, {rate:.0f} codes/s")
        simulators.forget()
        asked = server.product.at_rate(rate, options.steady_seconds)
        rows.wait_until_idle()
    known = {str(key): at for key, at in rows.accepted(asked.began).items()}
    reached = _arrivals(simulators)
    rows.clear()
    first = [name, dispatcher, f"{len(asked.made) / asked.seconds:.0f}", str(len(asked.made)), asked.others or "none"]
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


def _arrivals(simulators: Simulators) -> dict[str, float]:
    """When each verification's push arrived at the simulated FCM. Its collapse key is the verification's id."""
    return {
        str(parse_id(Prefix.VERIFICATION, arrival["collapse_id"])): datetime.fromisoformat(arrival["at"]).timestamp()
        for arrival in simulators.arrivals()
        if arrival["status"] == 200
    }
