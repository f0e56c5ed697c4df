"""The cabinets in which people register, and a captcha that a test can solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from demo.sample import REGISTER
from pushhub.accounts import costs
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import with_products
from tests.cabinet.registering import PROFILES
from tests.support.databases import FakeClock


@pytest.fixture
def cabinet_settings(settings: Settings) -> Settings:
    return replace(settings, cabinets=PROFILES, registry_file=REGISTER)


@pytest.fixture
def app(make_app: Callable[..., Flask], cabinet_settings: Settings, now: FakeClock) -> Flask:
    return with_products(make_app(cabinet_settings), *PROFILES)


@pytest.fixture
def easy_captcha(cheap_argon2: None) -> Iterator[None]:
    """A task that costs a test nothing."""
    with costs.use(replace(costs.current(), captcha_rounds=1, captcha_keys=(1, 3))):
        yield
