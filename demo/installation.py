"""The local installation of `make run`: everything under `var/`, made on the first start and kept after."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from demo.sample import PROFILES, REGISTER
from pushhub.commands.shared import HOME
from pushhub.kernel.sealing import create_key_file


def prepare(environ: Mapping[str, str], port: int, home: Path = HOME) -> dict[str, str]:
    """Make what is missing and return the environment to start with. What is set in `environ` goes first."""
    home.mkdir(mode=0o700, exist_ok=True)
    key_file = home / "keys.json"
    if not key_file.exists():
        create_key_file(key_file)
    return {
        "PUSHHUB_DATABASE_URL": f"sqlite:///{(home / 'pushhub.db').resolve()}",
        "PUSHHUB_KEY_FILE": str(key_file.resolve()),
        "PUSHHUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PUSHHUB_START_PAGE": "true",
        "PUSHHUB_WEBHOOK_PRIVATE_ADDRESSES": "true",
        "PUSHHUB_CABINETS": ",".join(PROFILES),
        **_register_in(environ, home),
        "PUSHHUB_LOG_LEVEL": "WARNING",  # the terminal is for what to open, not for a line a request
        **environ,
        "PUSHHUB_PORT": str(port),
    }


def _register_in(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The register of the prepared people, in a file that can be changed; none where the settings name another."""
    if "PUSHHUB_REGISTRY_URL" in environ or "PUSHHUB_REGISTRY_FILE" in environ:
        return {}
    register = home / "register.toml"
    if not register.exists():
        shutil.copyfile(REGISTER, register)
    return {"PUSHHUB_REGISTRY_FILE": str(register.resolve())}
