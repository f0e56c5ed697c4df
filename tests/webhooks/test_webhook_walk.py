"""A webhook goes the way that docs/architecture.md shows."""

from __future__ import annotations

import pytest

from tests.support.actors import Shop
from tests.support.walks import assert_walked, called
from tests.webhooks.receiver import Receiver
from tests.webhooks.relaying import Webhooks


@pytest.mark.sqlite
def test_a_webhook_goes_the_way_that_the_page_shows(shop: Shop, webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.register(receiver.url())
    with called() as order:
        shop.offer()
        webhooks.tell()
    assert receiver.received
    assert_walked("webhook", order)
