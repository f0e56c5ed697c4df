"""Settings as an environment gives them."""

from __future__ import annotations

from pathlib import Path

from pushhub.kernel.settings import Settings

PUBLIC_URL = "https://codes.test"


def least_settings(database_url: str, key_file: Path | str, public_url: str = PUBLIC_URL) -> dict[str, str]:
    """The three without which nothing starts."""
    return {"PUSHHUB_DATABASE_URL": database_url, "PUSHHUB_KEY_FILE": str(key_file), "PUSHHUB_PUBLIC_URL": public_url}


def least_of(settings: Settings) -> dict[str, str]:
    """Those three of an installation that is there."""
    return least_settings(settings.database_url, str(settings.key_file), settings.public_url)
