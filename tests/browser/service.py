"""The service under the browser: `pushhub serve --local` in a directory of its own, and its operator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path

from click.testing import CliRunner

from pushhub.cli import commands
from pushhub.kernel.errors import NotFound
from tests.support.command_line import without_settings
from tests.support.ports import free_port

#: How many seconds the service may take to start or to stop, on however busy a machine.
PATIENCE = 120


class Service:
    """The running service: its address, its database for letting time pass, and the commands of its operator."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.home = home
        self.database = home / "var" / "pushhub.db"
        self.log = home / "log"

    @property
    def settings(self) -> dict[str, str]:
        """With what it was started."""
        kept: dict[str, str] = json.loads((self.home / "var" / "local.json").read_text())
        return kept

    def operate(self, *command: str) -> str:
        """What a command of the operator prints. It runs in this process, because a script takes seconds to start."""
        with chdir(self.home):
            ran = CliRunner().invoke(commands, command, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output

    def make_account(self, profile: str, *, password: str, **person: str) -> None:
        """There is an account in this cabinet."""
        options = [word for name, text in person.items() for word in (f"--{name}", text)]
        self.operate("cabinet", "account", profile, *options, "--password", password)

    def free(self, number: str) -> None:
        """Let no phone have the number, whatever other stories did with it."""
        with suppress(NotFound):
            self.operate("number", "unbind", number, "--reason", "another story")


@contextmanager
def running(home: Path) -> Iterator[Service]:
    """The service for as long as the block lasts; every story comes from one address, so it may ask often."""
    port = free_port()
    service = Service(f"http://127.0.0.1:{port}", home)
    own = {"PUSHHUB_CODES_PER_CLIENT_PER_HOUR": "1000", "PUSHHUB_LOG_LEVEL": "WARNING"}
    command = [str(Path(sys.executable).with_name("pushhub")), "serve", "--local", "--port", str(port)]
    with service.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=without_settings(os.environ) | own, stdout=log, stderr=log)
    try:
        _wait_until_ready(service, process)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _wait_until_ready(service: Service, process: subprocess.Popen[bytes]) -> None:
    given_up = time.monotonic() + PATIENCE
    while time.monotonic() < given_up:
        assert process.poll() is None, service.log.read_text()
        try:
            with urllib.request.urlopen(f"{service.url}/readyz", timeout=30):
                return
        except OSError:  # not there yet, or slow on a busy machine
            time.sleep(0.1)
    raise AssertionError(service.log.read_text())
