"""The local installation of `make run`, as other commands find it: its settings are kept under `var/`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

HOME = Path("var")
_SETTINGS = "local.json"


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
