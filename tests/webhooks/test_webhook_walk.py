"""A webhook goes the way that docs/architecture.md shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.actors import Shop
from tests.support.walks import assert_walked, called
from tests.webhooks.receiver import Receiver


@pytest.mark.sqlite
def test_a_webhook_goes_the_way_that_the_page_shows(
    shop: Shop, register: Callable[..., dict[str, Any]], receiver: Receiver, tell: Callable[[], None]
) -> None:
    register(receiver.url())
    with called() as order:
        shop.offer()
        tell()
    assert receiver.received
    assert_walked("webhook", order)
