"""The cabinets in which people register, and a captcha that a test can solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from pushhub.accounts import costs
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import with_products
from tests.cabinet.profiles import variant
from tests.cabinet.registering import PROFILES
from tests.support.databases import FakeClock


@pytest.fixture
def cabinet_settings(cabinet_settings: Settings) -> Settings:
    return replace(cabinet_settings, cabinets=PROFILES)


@pytest.fixture
def app_with(
    make_app: Callable[..., Flask], cabinet_settings: Settings, tmp_path: Path, now: FakeClock
) -> Callable[[str, dict[str, str]], Flask]:
    """An application with one of our cabinets, some lines of whose profile are changed."""

    def make(name: str, changes: dict[str, str]) -> Flask:
        profile = variant(tmp_path, name, changes)
        return with_products(make_app(replace(cabinet_settings, cabinets=(profile,))), profile)

    return make


@pytest.fixture
def easy_captcha(cheap_argon2: None) -> Iterator[None]:
    """A task that costs a test nothing."""
    with costs.use(replace(costs.current(), captcha_rounds=1, captcha_keys=(1, 3))):
        yield
