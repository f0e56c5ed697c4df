"""The providers that are sent to, and how programs under measurement are started."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.processes import PUSHHUB, ROOT, Program, program
from benchmarks.sink import COUNTED_AT
from pushhub.kernel.sealing import create_key_file
from tests.support.ports import free_port


@dataclass(frozen=True, slots=True)
class Provider:
    """Who takes the messages, and the settings with which they are sent there."""

    settings: dict[str, str]
    program: Program


@dataclass(frozen=True, slots=True)
class Sink(Provider):
    """Says yes to everything and only counts; see `benchmarks.sink`."""

    def taken(self) -> int:
        """How many messages it has taken since its start."""
        roots = ssl.create_default_context(cafile=self.settings["PUSHHUB_PROVIDER_CA"])
        with urllib.request.urlopen(self.settings[COUNTED_AT], timeout=30, context=roots) as response:  # noqa: S310 - our own
            return int(json.load(response)["taken"])


@dataclass(frozen=True, slots=True)
class Simulators(Provider):
    """The simulated providers, which look at every message and keep when it came."""

    @property
    def control(self) -> str:
        return self.settings["PUSHHUB_SIMULATOR_URL"]

    def forget(self) -> None:
        """Begin to keep anew."""
        _call("DELETE", f"{self.control}/arrived")

    def arrivals(self) -> Iterator[dict[str, Any]]:
        """What arrived at FCM."""
        after, page = 0, [None]
        while page:
            document = _call("GET", f"{self.control}/arrived?provider=fcm&limit=1000&after={after}")
            page, after = document["arrived"], document["next_after"]
            yield from page


@contextmanager
def simulators(home: Path) -> Iterator[Simulators]:
    """The simulators, in a process of their own."""
    command = [*PUSHHUB, "simulate", "--directory", str(home / "simulators")]
    with program(command, {}, home / "simulators.log") as running:
        yield Simulators(_told(running, "PUSHHUB_SIMULATOR_URL"), running)


@contextmanager
def sink(home: Path) -> Iterator[Sink]:
    """The sink, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sink", str(home / "sink")]
    with program(command, {}, home / "sink.log") as running:
        yield Sink(_told(running, COUNTED_AT), running)


def _told(running: Program, last: str) -> dict[str, str]:
    """What a provider prints when it is ready: `NAME=value`, line by line."""
    running.wait_until(lambda: f"{last}=" in running.log.read_text(), "The provider")
    pairs = [line.partition("=") for line in running.log.read_text().splitlines()]
    return {name: value for name, is_one, value in pairs if is_one and name.isupper()}


def environment(engine: Engine, sends_to: Provider, workers: int) -> dict[str, str]:
    """The settings of an installation. Only limits that protect one person are out of the way."""
    key_file, port = engine.home / "installation-keys.json", free_port()
    if not key_file.exists():
        create_key_file(key_file)
    return {
        **sends_to.settings,
        "PUSHHUB_DATABASE_URL": engine.url,
        "PUSHHUB_KEY_FILE": str(key_file),
        "PUSHHUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PUSHHUB_PORT": str(port),
        "PUSHHUB_WORKERS": str(1 if engine.name == "sqlite" else workers),
        "PUSHHUB_CODES_PER_10_MINUTES": "1000",
        "PUSHHUB_CODES_PER_DAY": "10000",
    }


@contextmanager
def gunicorn(application: str, config: str, environ: dict[str, str], log: Path, what: str) -> Iterator[Program]:
    """An application behind gunicorn, once it answers at `/healthz`."""
    command = [sys.executable, "-m", "gunicorn", application, "--config", str(ROOT / config)]
    with program(command, environ, log) as running:
        running.wait_until(lambda: _answers(f"http://127.0.0.1:{environ['PUSHHUB_PORT']}/healthz"), what)
        yield running


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _call(method: str, url: str) -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own address
        return json.load(response)
