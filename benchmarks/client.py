"""The product's side: requests over HTTP/1.1 keep-alive, as fast as they are answered or at a steady rate.

It runs in the benchmark's own process, which does nothing else meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder

NextBody = Callable[[], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `due` is when it was to be sent (seconds since 1970): at a steady rate a client that is late
    counts its lateness, so a slow answer can't hide the wait of those behind it."""

    due: float
    seconds: float
    status: int
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a load brought."""

    began: float
    seconds: float
    answers: list[Answer]
    #: Processor time of this client itself.
    cpu_seconds: float

    @property
    def made(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 201]

    @property
    def per_second(self) -> float:
        return len(self.made) / self.seconds

    @property
    def client_load(self) -> float:
        """Which part of one core the client took. Near 1 it is the client that was measured."""
        return self.cpu_seconds / self.seconds

    @property
    def others(self) -> str:
        """Answers other than 201, by status; empty where there are none."""
        counted = Counter(answer.status for answer in self.answers if answer.status != 201)
        return ", ".join(f"{count} × {status}" for status, count in sorted(counted.items()))


class Product:
    """Posts to one address."""

    def __init__(self, url: str, next_body: NextBody, key: str = "") -> None:
        self._url = url
        self._next_body = next_body
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def without_pause(self, clients: int, seconds: float) -> Asked:
        """So many clients, each asking again when it is answered."""
        return asyncio.run(self._without_pause(clients, seconds))

    def at_rate(self, rate: float, seconds: float) -> Asked:
        """One request every 1/rate seconds, whether or not earlier ones are answered."""
        return asyncio.run(self._at_rate(rate, seconds))

    async def _without_pause(self, clients: int, seconds: float) -> Asked:
        answers: list[Answer] = []
        async with _client(clients) as client:
            began, spent = time.time(), time.process_time()
            end = began + seconds

            async def one_client() -> None:
                while (now := time.time()) < end:
                    answers.append(await self._ask(client, now))

            await asyncio.gather(*(one_client() for _ in range(clients)))
            return Asked(began, time.time() - began, answers, time.process_time() - spent)

    async def _at_rate(self, rate: float, seconds: float) -> Asked:
        tasks = []
        async with _client(256) as client:
            began, spent = time.time(), time.process_time()
            for index in range(int(rate * seconds)):
                due = began + index / rate
                await asyncio.sleep(max(0.0, due - time.time()))
                tasks.append(asyncio.create_task(self._ask(client, due)))
            asking = time.time() - began
            answers = await asyncio.gather(*tasks)
            return Asked(began, asking, answers, time.process_time() - spent)

    async def _ask(self, client: Client, due: float) -> Answer:
        body = json.dumps(self._next_body()).encode()
        response = await client.post(self._url).headers(self._headers).body_bytes(body).build().send()
        content = bytes(await response.bytes())
        seconds = time.time() - due
        made = response.status == 201
        return Answer(due, seconds, response.status, json.loads(content)["id"] if made else "")


def _client(connections: int) -> Client:
    builder = ClientBuilder().http1_only().no_proxy().max_connections(connections).timeout(timedelta(seconds=30))
    return builder.build()
