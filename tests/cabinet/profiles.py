"""Profiles of ours, with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pushhub.cabinets.loader import OWN_PROFILES


def variant(folder: Path, name: str, changes: Mapping[str, str]) -> str:
    """One of our profiles with some lines changed, in a folder of its own; its path."""
    text = (OWN_PROFILES / f"{name}.toml").read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    for beside in OWN_PROFILES.glob(f"{name}*"):
        (folder / beside.name).write_text(beside.read_text())
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)
