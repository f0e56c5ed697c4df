"""The command line called in this process, where its imports are there already; else it is the same."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from pushhub.cli import main


@dataclass(frozen=True)
class Ended:
    """What a command left when it ended."""

    code: int
    stdout: str
    stderr: str


def settings_only(patch: pytest.MonkeyPatch, home: Path, settings: Mapping[str, str]) -> None:
    """Be in the folder `home`, with `settings` as the only `PUSHHUB_*` variables of the environment."""
    for name in set(os.environ) - set(without_settings(os.environ)):
        patch.delenv(name)
    for name, value in settings.items():
        patch.setenv(name, value)
    patch.chdir(home)


def run_command(*words: str, home: Path, settings: Mapping[str, str] | None = None) -> Ended:
    """`pushhub …` in the folder `home`, with `settings` as the only `PUSHHUB_*` variables of its environment."""
    stdout, stderr, level = io.StringIO(), io.StringIO(), logging.getLogger().level
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        settings_only(patch, home, settings or {})
        patch.setattr(sys, "argv", ["pushhub", *words])
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            logging.getLogger().setLevel(level)
    return Ended(int(ended.value.code or 0), stdout.getvalue(), stderr.getvalue())


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which no setting of the service is left."""
    return {name: value for name, value in environ.items() if not name.startswith("PUSHHUB_")}
