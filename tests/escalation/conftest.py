"""A product whose codes go by push, then SMS, then e-mail, and what became of them."""

from __future__ import annotations

import re
from typing import Any

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


def ways(shop: Shop, verification: dict[str, Any]) -> list[tuple[str, str]]:
    return [(delivery["channel"], delivery["status"]) for delivery in shop.show(verification)["deliveries"]]


def digits(text: str) -> str:
    found = re.search(r"\b\d{4}\b", text)
    assert found is not None
    return found.group()
