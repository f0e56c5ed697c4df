"""A real browser on the real service, started as a user starts it: `pushhub serve --local`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.people import Visitor

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NO_CHROMIUM = (
    "These tests need Chromium. Install it (Debian, Ubuntu: `apt-get install chromium`), or name one with "
    "CHROMIUM=/path/to/chromium."
)


class Service:
    """The running service: its address, and its database for letting time pass."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.database = home / "var" / "pushhub.db"


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("installation")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PUSHHUB_")}
    environ |= {"PUSHHUB_CODES_PER_CLIENT_PER_HOUR": "1000", "PUSHHUB_LOG_LEVEL": "WARNING"}
    command = [str(Path(sys.executable).with_name("pushhub")), "serve", "--local", "--port", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=environ, stdout=log, stderr=log)
    try:
        _wait_until_ready(url, process, home / "log")
        yield Service(url, home)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(150):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.fail(_NO_CHROMIUM, pytrace=False)
    # Not for the whole session: while it is open, its event loop is in the way of tests that run one themselves.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(service: Service, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Somebody opens the start page, or another one. At the end nothing may have gone wrong in the browser."""
    visitors: list[Visitor] = []

    def open_page(path: str = "/", **traits: object) -> Visitor:
        visitor = Visitor(browser, service.url, **traits)  # type: ignore[arg-type]
        visitors.append(visitor)
        visitor.open(path)
        return visitor

    yield open_page
    for visitor in visitors:
        visitor.leave()
