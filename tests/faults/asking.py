"""A product that asks for codes in a steady stream, as its own people would make it ask, while something breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import Flask

from pushhub.kernel.ids import Prefix, parse_id

_THREADS = 4
#: How long a client goes on asking while the service says 503.
_PATIENCE = 25.0


@dataclass(slots=True)
class Ask:
    """One code that was asked for. `answers` holds every answer's status; the last one counts."""

    number: str
    asked_at: float
    answers: list[int]
    verification_id: UUID | None = None


class Product:
    """Speaks HTTP to the service, with an Idempotency-Key, and repeats what was answered with 503."""

    def __init__(self, app: Flask, key: str) -> None:
        self._app = app
        self._key = key

    def ask_for(self, numbers: Sequence[str], *, seconds: float) -> Stream:
        """Begin to ask for a code for each number, evenly within so many seconds."""
        return Stream(self, numbers, seconds)

    def ask(self, number: str) -> Ask:
        """Ask for one code until there is an answer that is not 503."""
        ask, name = Ask(number, time.time(), []), uuid4().hex
        client = self._app.test_client()
        while True:
            answer = client.post(
                "/v1/verifications",
                json={"number": number, "purpose": "sign_in"},
                headers={"Authorization": f"Bearer {self._key}", "Idempotency-Key": name},
            )
            ask.answers.append(answer.status_code)
            if answer.status_code != 503 or time.time() > ask.asked_at + _PATIENCE:
                break
            time.sleep(0.3)
        if answer.status_code in (200, 201):
            ask.verification_id = parse_id(Prefix.VERIFICATION, answer.get_json()["id"])
        return ask


class Stream:
    """Asks under way."""

    def __init__(self, product: Product, numbers: Sequence[str], seconds: float) -> None:
        self._product = product
        self._asks: list[Ask] = []
        self._begun = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(numbers[first::_THREADS], seconds, first), daemon=True)
            for first in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def asked(self) -> int:
        """How many were answered until now."""
        return len(self._asks)

    def finish(self) -> list[Ask]:
        """Wait until everything was asked."""
        for thread in self._threads:
            thread.join(_PATIENCE + 30)
            assert not thread.is_alive(), "the product is still asking"
        return self._asks

    def _run(self, numbers: Sequence[str], seconds: float, first: int) -> None:
        gap = seconds / max(len(numbers), 1)
        for place, number in enumerate(numbers):
            due = self._begun + (place + first / _THREADS) * gap
            time.sleep(max(0.0, due - time.monotonic()))
            self._asks.append(self._product.ask(number))
