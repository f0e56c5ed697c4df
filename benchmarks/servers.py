"""The programs under measurement: the simulated FCM, the service, the bare endpoint, a lone dispatcher."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.processes import PUSHHUB, ROOT, Program, free_port, program
from pushhub.sealing import create_key_file


@dataclass(frozen=True, slots=True)
class Server:
    """Something that answers at `address`."""

    address: str
    program: Program


@dataclass(frozen=True, slots=True)
class Provider:
    """The simulated providers and the settings with which the service sends to them."""

    settings: dict[str, str]
    program: Program

    @property
    def control(self) -> str:
        return self.settings["PUSHHUB_SIMULATOR_URL"]

    def count_only(self, yes: bool) -> None:
        """Whether arrivals are only counted, which is cheaper, or kept with their times."""
        _call("DELETE", f"{self.control}/arrived")
        _call("POST", f"{self.control}/settings", {"count_only": yes})

    def arrivals(self) -> Iterator[dict[str, Any]]:
        """What arrived at FCM and was kept."""
        after, page = 0, [None]
        while page:
            document = _call("GET", f"{self.control}/arrived?provider=fcm&limit=1000&after={after}")
            page, after = document["arrived"], document["next_after"]
            yield from page


@contextmanager
def provider(home: Path) -> Iterator[Provider]:
    """The simulators, in a process of their own."""
    command = [*PUSHHUB, "simulate", "--directory", str(home / "simulators")]
    with program(command, {}, home / "simulators.log") as running:
        last = "PUSHHUB_SIMULATOR_URL="
        running.wait_until(lambda: last in running.log.read_text(), "The simulators")
        lines = running.log.read_text().splitlines()
        pairs = [line.partition("=") for line in lines if line.startswith("PUSHHUB_")]
        yield Provider({name: value for name, _, value in pairs}, running)


def environment(home: Path, engine: Engine, sends_to: Provider, workers: int) -> dict[str, str]:
    """The settings of an installation. Only limits that protect one person are out of the way."""
    key_file, port = home / "installation-keys.json", free_port()
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
def service(home: Path, engine: Engine, environ: dict[str, str]) -> Iterator[Server]:
    """The service as it is installed: gunicorn with the project's own configuration."""
    command = _gunicorn("wsgi:application", ROOT / "gunicorn.conf.py")
    with program(command, environ, home / f"service-{engine.name}.log") as running:
        yield _ready(running, environ, "/readyz", "The service")


@contextmanager
def bare(home: Path, engine: Engine, environ: dict[str, str]) -> Iterator[Server]:
    """One INSERT behind the same server."""
    environ = environ | {"PUSHHUB_PORT": str(free_port())}
    command = _gunicorn("benchmarks.bare:application", ROOT / "benchmarks" / "bare_gunicorn.py")
    with program(command, environ, home / f"bare-{engine.name}.log") as running:
        yield _ready(running, environ, "/ready", "The bare endpoint")


@contextmanager
def dispatcher(home: Path, engine: Engine, environ: dict[str, str]) -> Iterator[Program]:
    """A dispatcher beside no service."""
    log = home / f"dispatcher-{engine.name}.log"
    with program([*PUSHHUB, "dispatch"], environ | {"PUSHHUB_DISPATCHER": "external"}, log) as running:
        yield running


def _gunicorn(application: str, config: Path) -> list[str]:
    return [sys.executable, "-m", "gunicorn", application, "--config", str(config)]


def _ready(running: Program, environ: dict[str, str], path: str, what: str) -> Server:
    address = f"http://127.0.0.1:{environ['PUSHHUB_PORT']}"
    running.wait_until(lambda: _answers(address + path), what)
    return Server(address, running)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _call(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own address
        return json.load(response)
