"""Time stands still at `channel_material.NOW` in every test of the channels, save for the wire tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from channel_material import NOW

from pushhub.kernel import clock
from simulators import Simulators


@pytest.fixture
def still_time() -> Iterator[None]:
    with clock.use(lambda: NOW):
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with Simulators(tmp_path_factory.mktemp("simulators")) as simulators:
        yield simulators


@pytest.fixture
def sim(running: Simulators) -> Simulators:
    running.clear()
    return running
