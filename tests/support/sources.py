"""The source of the project, for tests about what it promises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ("pushhub", "mobile_api", "web_api", "demo")
PACKAGES = (*SERVICE, "simulators", "reference_device")


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """(path below the project, parsed source) of every module."""
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "__pycache__" not in file.parts:
                yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())
