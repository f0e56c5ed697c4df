"""The world that the tests of one module share on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.robustness.world import World, a_world
from tests.support.databases import Databases


@pytest.fixture(scope="module")
def world(engine_name: str, databases: Databases, key_file: Path) -> Iterator[World]:
    """One of everything."""
    with a_world(databases, engine_name, key_file) as world:
        yield world
