"""`pushhub serve`, `dispatch`, `simulate`, `migrate`, `doctor`: the processes of an installation."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click
from flask_migrate import upgrade

from pushhub.app import create_app
from pushhub.commands.checkup import examine
from pushhub.commands.shared import application, as_json, current_settings, local_settings, show
from pushhub.dispatcher.process import dispatch_forever
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.settings import load_settings


def gunicorn_command() -> list[str]:
    """How the service is started."""
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
    if is_local:
        os.execve(sys.executable, _demonstration(port), dict(os.environ))  # noqa: S606 - no shell is involved
    environ = {**local_settings(os.environ), "PUSHHUB_PORT": str(port)}
    load_settings(environ)
    os.execve(sys.executable, gunicorn_command(), environ)  # noqa: S606 - no shell is involved


def _demonstration(port: int) -> list[str]:
    """The program of the local installation, which stands beside the service and not in it."""
    if find_spec("demo") is None:
        raise ConfigurationError("The package demo is not installed. Install the project with: pip install .")
    # -P: what lies in the working directory is not it.
    return [sys.executable, "-P", "-m", "demo", "--port", str(port)]


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


def bring_up_to_date() -> None:
    """Give the database the newest version of its tables."""
    with application():
        upgrade()


@click.command()
def migrate() -> None:
    """Bring the database to the newest version of its tables."""
    bring_up_to_date()
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
