"""What commands have in common: the application they work on, and how they print data."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask import Flask

from pushhub.app import create_app
from pushhub.commands.local import local_settings
from pushhub.kernel.db import db
from pushhub.kernel.settings import Settings, load_settings

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def current_settings() -> Settings:
    """The settings of the environment; what it leaves open comes from the local installation that `make run`
    keeps under `var/`, if there is one."""
    return load_settings(local_settings(os.environ))


@contextmanager
def application(*, with_channels: bool = False) -> Iterator[Flask]:
    """An application without routes, its context pushed, its connections closed at the end; ways out are needed only to
    tell what they reach."""
    app = create_app(current_settings(), channels=None if with_channels else {})
    with app.app_context():
        try:
            yield app
        finally:
            db.engine.dispose()


def show(document: Any, as_json: bool, lines: Callable[[], list[str]]) -> None:
    """Print data for a program or for a person."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        click.echo("\n".join(lines()))
