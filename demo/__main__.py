"""`python -m demo`: a complete installation under `var/`, made on the first start and kept after, with simulated
providers and prepared people."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import FrameType

import click

from demo.sample import PROFILES, REGISTER, prepare_samples
from pushhub.cli import main
from pushhub.commands.running import bring_up_to_date, gunicorn_command
from pushhub.commands.shared import HOME, application, current_settings, keep
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.sealing import create_key_file
from reference_device import http_transport
from simulators import Simulators


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def serve(port: int) -> None:
    """Serve the API and the pages with gunicorn, beside the simulators, until told to stop."""
    _refuse_taken(port)
    with ExitStack() as running:
        environ = _prepare(os.environ, port)
        if "PUSHHUB_FCM_CREDENTIALS" not in environ and "PUSHHUB_APNS_KEY" not in environ:
            simulators = running.enter_context(Simulators(HOME.resolve() / "simulators"))
            environ = {**simulators.settings(), **environ}
        keep(environ)
        bring_up_to_date()
        with application():
            prepare_samples(current_settings().cabinets)
        sys.exit(_supervise(environ, port))


def _refuse_taken(port: int) -> None:
    """Look before anything is begun: else what is kept of the installation that runs would be replaced by ours."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as problem:
            raise ConfigurationError(
                f"Port {port} can't be used ({problem.strerror}), perhaps because pushhub runs there already. "
                f"Stop it, or choose another port: make run PORT={port + 1}"
            ) from None


def _prepare(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """Make what is missing and return the environment to start with. What is set in `environ` goes first."""
    HOME.mkdir(mode=0o700, exist_ok=True)
    key_file = HOME / "keys.json"
    if not key_file.exists():
        create_key_file(key_file)
    return {
        "PUSHHUB_DATABASE_URL": f"sqlite:///{(HOME / 'pushhub.db').resolve()}",
        "PUSHHUB_KEY_FILE": str(key_file.resolve()),
        "PUSHHUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PUSHHUB_START_PAGE": "true",
        "PUSHHUB_WEBHOOK_PRIVATE_ADDRESSES": "true",
        "PUSHHUB_CABINETS": ",".join(PROFILES),
        **_register_in(environ),
        "PUSHHUB_LOG_LEVEL": "WARNING",  # the terminal is for what to open, not for a line a request
        **environ,
        "PUSHHUB_PORT": str(port),
    }


def _register_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The register of the prepared people, in a file that can be changed; none where the settings name another."""
    if "PUSHHUB_REGISTRY_URL" in environ or "PUSHHUB_REGISTRY_FILE" in environ:
        return {}
    register = HOME / "register.toml"
    if not register.exists():
        shutil.copyfile(REGISTER, register)
    return {"PUSHHUB_REGISTRY_FILE": str(register.resolve())}


def _supervise(environ: Mapping[str, str], port: int) -> int:
    server = subprocess.Popen(gunicorn_command(), env=dict(environ), start_new_session=True)  # noqa: S603 - our own words

    def pass_on(number: int, _frame: FrameType | None) -> None:
        server.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    address = f"http://127.0.0.1:{port}"
    if _comes_up(server, address):
        click.echo(
            f"\npushhub is running. Open in a browser:\n\n"
            f"    {address}/        the whole story, with a phone beside it\n"
            f"    {address}/docs    the API\n\n"
            "Push, SMS and mail are simulated; nothing leaves this machine. Stop with Ctrl-C.\n"
        )
    return server.wait()


def _comes_up(server: subprocess.Popen[bytes], address: str) -> bool:
    ask = http_transport()
    for _ in range(150):
        if server.poll() is not None:
            return False
        try:
            if ask("GET", f"{address}/readyz", {}, None).status == 200:
                return True
        except ConnectionError:
            pass
        time.sleep(0.2)
    return True


main(serve)
