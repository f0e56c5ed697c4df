"""Time stands still at `channel_material.NOW` in every test of the channels, save for the wire tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from channel_material import NOW

from pushhub import clock


@pytest.fixture
def still_time() -> Iterator[None]:
    with clock.use(lambda: NOW):
        yield
