"""A product whose codes go by push, then SMS, then e-mail, and what its channels were given."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from tests.support.actors import Phone, Shop

ROUTE = ["push:20", "sms:60", "email"]


@pytest.fixture
def context(app: Flask) -> AppContext:
    parts: AppContext = app.extensions["pushhub"]
    return parts


@pytest.fixture
def channel(context: AppContext) -> Callable[[str], RecordingChannel]:
    def named(name: str) -> RecordingChannel:
        found = context.channels[name]
        assert isinstance(found, RecordingChannel)
        return found

    return named


@pytest.fixture
def routed(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop("SAKURA", route=ROUTE)


@pytest.fixture
def bound(routed: Shop, phone: Phone) -> Phone:
    phone.bind_to(routed)
    return phone
