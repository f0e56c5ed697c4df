"""Running a dispatcher: inside the service's process, or as a process of its own."""

from __future__ import annotations

import signal
import threading

from flask import Flask

from pushhub.delivery.dispatcher import Dispatcher
from pushhub.delivery.listener import Listener
from pushhub.hub import hub


class Delivery:
    """A dispatcher with what wakes it."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            parts = hub()
        self.dispatcher = Dispatcher(app, parts)
        self._listener: Listener | None = None
        if not parts.settings.engine_is_sqlite:
            self._listener = Listener(parts.settings.database_url, self.dispatcher.wake)
        parts.wake = self.dispatcher.wake

    def start(self) -> None:
        self.dispatcher.start()
        if self._listener is not None:
            self._listener.start()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()
        self.dispatcher.stop()


_running: list[Delivery] = []


def start_delivery(app: Flask) -> None:
    """Deliver inside this process if the settings say so."""
    with app.app_context():
        embedded = hub().settings.dispatcher == "embedded"
    if embedded:
        delivery = Delivery(app)
        delivery.start()
        _running.append(delivery)


def stop_delivery() -> None:
    """Drain and stop what `start_delivery` started."""
    while _running:
        _running.pop().stop()


def dispatch_forever(app: Flask) -> None:
    """Be a dispatcher process: deliver until SIGTERM or SIGINT, then drain."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    delivery = Delivery(app)
    delivery.start()
    asked_to_stop.wait()
    delivery.stop()
