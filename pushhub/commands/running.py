"""`pushhub serve`, `dispatch`, `simulate`, `migrate`, `doctor`: the processes of an installation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import click
from flask_migrate import upgrade

from pushhub.app import create_app
from pushhub.cabinets.sample import prepare_samples
from pushhub.commands import local
from pushhub.commands.checkup import examine
from pushhub.commands.shared import application, as_json, current_settings, show
from pushhub.delivery.running import dispatch_forever
from pushhub.errors import ConfigurationError
from pushhub.settings import load_settings


def _gunicorn() -> list[str]:
    found = find_spec("wsgi")
    if found is None or found.origin is None:
        raise ConfigurationError("wsgi.py is not installed. Install the project with: pip install .")
    configuration = Path(found.origin).with_name("gunicorn.conf.py")
    return [sys.executable, "-m", "gunicorn", "wsgi:application", "--config", str(configuration)]


@click.command()
@click.option("--local", "is_local", is_flag=True, help="A complete installation under var/, with simulated providers.")
@click.option("--port", type=click.IntRange(1, 65535), envvar="PUSHHUB_PORT", default=8080, show_default=True)
def serve(is_local: bool, port: int) -> None:
    """Serve the API and the pages with gunicorn."""
    if not is_local:
        environ = {**local.local_settings(os.environ), "PUSHHUB_PORT": str(port)}
        load_settings(environ)
        os.execve(sys.executable, _gunicorn(), environ)  # noqa: S606 - no shell is involved
    _refuse_taken(port)
    with ExitStack() as running:
        environ = local.prepare(os.environ, port)
        if "PUSHHUB_FCM_CREDENTIALS" not in environ and "PUSHHUB_APNS_KEY" not in environ:
            # Imported here: a production service has no use for the simulators.
            from simulators import Simulators

            simulators = running.enter_context(Simulators(local.HOME.resolve() / "simulators"))
            environ = {**simulators.settings(), **environ}
        local.keep(environ)
        _migrate()
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
    server = subprocess.Popen(_gunicorn(), env=dict(environ), start_new_session=True)  # noqa: S603 - our own words

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
    from reference_device import http_transport

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


@click.command()
def dispatch() -> None:
    """Deliver, beside the service (PUSHHUB_DISPATCHER=external). Stops on SIGTERM after draining."""
    dispatch_forever(create_app(current_settings()))


@click.command()
@click.option("--directory", type=click.Path(path_type=Path), default=Path("var/simulators"), show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--fcm-port", default=0, help="0: any free one; so for the others.")
@click.option("--apns-port", default=0)
@click.option("--apns-sandbox-port", default=0)
@click.option("--hms-port", default=0)
@click.option("--webpush-port", default=0)
@click.option("--sms-port", default=0)
@click.option("--smtp-port", default=0, help="STARTTLS.")
@click.option("--smtps-port", default=0, help="TLS from the first byte.")
@click.option("--control-port", default=0)
def simulate(directory: Path, host: str, **ports: int) -> None:
    """Run the simulators of every provider and print the settings with which pushhub uses them."""
    from simulators.serve import serve_forever

    serve_forever(directory, host, announce=click.echo, **ports)


def _migrate() -> None:
    with application():
        upgrade()


@click.command()
def migrate() -> None:
    """Bring the database to the newest version of its tables."""
    _migrate()
    click.echo("The database is up to date.")


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check settings, keys, database, clock, providers; exit code 1 where something needs a hand."""
    findings = examine()
    document = [{"check": found.check, "ok": found.ok, "finding": found.text} for found in findings]
    show(
        document,
        as_json,
        lambda: [f"{'ok ' if found.ok else 'NO '} {found.check:13} {found.text}" for found in findings],
    )
    if not all(found.ok for found in findings):
        raise ConfigurationError("Something needs a hand; see the lines above that begin with NO.")
