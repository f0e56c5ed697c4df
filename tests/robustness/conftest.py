"""The world that the tests of one module share on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.robustness.world import World, a_world
from tests.support.databases import Databases


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, databases: Databases, key_file: Path) -> Iterator[World]:
    """One of everything."""
    with a_world(databases, str(request.param), key_file) as world:
        yield world
