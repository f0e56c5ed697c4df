"""What became of a code, as the product sees it."""

from __future__ import annotations

import re
from typing import Any

from tests.support.actors import Shop


def ways(shop: Shop, verification: dict[str, Any]) -> list[tuple[str, str]]:
    return [(delivery["channel"], delivery["status"]) for delivery in shop.show(verification)["deliveries"]]


def digits(text: str) -> str:
    found = re.search(r"\b\d{4}\b", text)
    assert found is not None
    return found.group()
