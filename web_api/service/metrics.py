"""Metrics for Prometheus, and one log line a request. Both name the route, never the address: an address may
hold a number."""

from __future__ import annotations

import logging
import math
import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pushhub.delivery import outbox
from pushhub.delivery.history import tries_in_the_last_minute
from pushhub.dispatcher.circuits import open_circuits
from pushhub.http.contract import public
from pushhub.kernel.errors import PushhubError
from pushhub.mail import queue as letters
from pushhub.webhooks import queue as webhooks

log = logging.getLogger(__name__)
pages = Blueprint("metrics", __name__)
pages.before_request(public)
#: A method is the caller's word; any other is counted as one, so that nobody can fill the metrics or the log.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_registry = CollectorRegistry()
_requests = Counter("pushhub_requests_total", "Requests answered.", ["method", "route", "status"], registry=_registry)
_seconds = Histogram("pushhub_request_seconds", "Time to answer.", ["method", "route"], registry=_registry)
_waiting = Gauge("pushhub_deliveries_waiting", "Deliveries queued or being sent.", registry=_registry)
_tries = Gauge(
    "pushhub_tries_last_minute",
    "Tries of deliveries in the last minute, all dispatchers together.",
    ["channel", "outcome", "reason"],
    registry=_registry,
)
_circuits = Gauge(
    "pushhub_circuit_open",
    "1 for each channel and app that dispatchers found shut.",
    ["channel", "app", "reason"],
    registry=_registry,
)
_webhook_messages = Gauge(
    "pushhub_webhook_messages",
    "Messages to webhooks: waiting for their next try, or given up in the last 30 days.",
    ["status"],
    registry=_registry,
)
_letters = Gauge(
    "pushhub_letters",
    "Letters of cabinets: waiting for a mail server, or given up in the last 30 days.",
    ["status"],
    registry=_registry,
)


@pages.get("/metrics")
def show_metrics() -> Response:
    """Everything in the Prometheus text format; each process counts for itself."""
    _tries.clear()
    _circuits.clear()
    try:
        _waiting.set(outbox.QUEUE.waiting())
        for channel, outcome, reason, count in tries_in_the_last_minute():
            _tries.labels(channel, outcome, reason).set(count)
        for circuit in open_circuits():
            _circuits.labels(circuit.channel, circuit.app, circuit.reason).set(1)
        for gauge, counted in ((_webhook_messages, webhooks.counts()), (_letters, letters.counts())):
            gauge.labels("waiting").set(counted.waiting)
            gauge.labels("failed").set(counted.failed)
    except PushhubError:
        # The other metrics are wanted most while the database is away.
        unknown = [gauge.labels(status) for gauge in (_webhook_messages, _letters) for status in ("waiting", "failed")]
        for number in (_waiting, *unknown):
            number.set(math.nan)
    # The library's own registry has the process, and what channels count.
    return Response(
        generate_latest(_registry) + generate_latest(REGISTRY), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def observe(app: Flask) -> None:
    """Measure every request of `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    _requests.labels(method, route, str(response.status_code)).inc()
    _seconds.labels(method, route).observe(seconds)
    log.info(
        "request",
        extra={
            "method": method,
            "route": route,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        },
    )
    return response
