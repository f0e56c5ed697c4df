"""A product whose codes go by push, then SMS, then e-mail."""

from __future__ import annotations

import pytest

from tests.support.actors import MakeShop, Phone, Shop

ROUTE = ["push:20", "sms:60", "email"]


@pytest.fixture
def routed(make_shop: MakeShop) -> Shop:
    return make_shop("SAKURA", route=ROUTE)


@pytest.fixture
def bound(routed: Shop, phone: Phone) -> Phone:
    phone.bind_to(routed)
    return phone
