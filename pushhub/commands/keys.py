"""`pushhub keys`: the file of sealing keys."""

from __future__ import annotations

from pathlib import Path

import click

from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.sealing import create_key_file


@click.group("keys")
def group() -> None:
    """The file of sealing keys, which stays outside the database."""


@group.command()
@click.argument("path", type=click.Path(path_type=Path))
def create(path: Path) -> None:
    """Make a new key file at PATH. Never overwrites one."""
    try:
        create_key_file(path)
    except FileExistsError:
        raise ConfigurationError(f"{path} exists already. A key file is never overwritten.") from None
    click.echo(f"Wrote {path}. Keep a copy in a safe place, and name it in PUSHHUB_KEY_FILE.")
