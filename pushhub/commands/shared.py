"""What commands have in common: the application they work on, its settings, and how they print data.

The local installation of `make run` keeps its settings under `var/`, where other commands find them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask

from pushhub.app import create_app
from pushhub.kernel.db import db
from pushhub.kernel.settings import Settings, load_settings

HOME = Path("var")
_SETTINGS = "local.json"

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def local_settings(environ: Mapping[str, str], home: Path = HOME) -> dict[str, str]:
    """The settings of the environment over those that the local installation was started with last."""
    file = home / _SETTINGS
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return kept | dict(environ)


def keep(environ: Mapping[str, str], home: Path = HOME) -> None:
    """Remember the settings, so that other commands work on the same installation."""
    ours = {name: value for name, value in environ.items() if name.startswith("PUSHHUB_")}
    handle = os.open(home / _SETTINGS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(ours, file, indent=2)


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
