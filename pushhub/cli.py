"""The command line: `pushhub …`."""

from __future__ import annotations

import sys

import click

from pushhub import __version__
from pushhub.commands import cabinet, device, keys, number, product, running, webhook
from pushhub.kernel.errors import ConfigurationError, PushhubError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def commands() -> None:
    """Confirmation codes by push: binds a phone to a number, delivers codes, checks them."""


for _each in (running.serve, running.dispatch, running.simulate, running.migrate, running.doctor):
    commands.add_command(_each)
for _module in (keys, product, cabinet, number, webhook, device):
    commands.add_command(_module.group)


def main(command: click.Command = commands) -> None:
    """Run a command; what it refuses is one sentence on standard error and exit code 1."""
    try:
        command()
    except (ConfigurationError, PushhubError) as problem:
        click.echo(f"pushhub: {problem}", err=True)
        sys.exit(1)
