"""`python -m demo`: a complete installation under `var/`, with simulated providers and prepared people."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import FrameType

import click

from demo.installation import prepare
from demo.sample import prepare_samples
from pushhub.cli import main
from pushhub.commands.running import bring_up_to_date, gunicorn_command
from pushhub.commands.shared import HOME, application, current_settings, keep
from pushhub.kernel.errors import ConfigurationError
from reference_device import http_transport
from simulators import Simulators


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def serve(port: int) -> None:
    """Serve the API and the pages with gunicorn, beside the simulators, until told to stop."""
    _refuse_taken(port)
    with ExitStack() as running:
        environ = prepare(os.environ, port)
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
