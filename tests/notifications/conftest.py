"""What the tests of notifications share."""

from __future__ import annotations

import pytest

from tests.notifications.senders import Sender
from tests.support.actors import Shop


@pytest.fixture
def sender(shop: Shop) -> Sender:
    """INDIGO, sending notifications."""
    return Sender(shop)
