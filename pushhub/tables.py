"""Every module that holds tables, imported in one place, so that the metadata is complete wherever it is used."""

from pushhub.binding import models as binding
from pushhub.delivery import models as delivery
from pushhub.events import Event
from pushhub.idempotency import IdempotencyKey
from pushhub.limits import LimitCounter
from pushhub.notifications import models as notifications
from pushhub.products import models as products
from pushhub.verifications import models as verifications

__all__ = [
    "Event",
    "IdempotencyKey",
    "LimitCounter",
    "binding",
    "delivery",
    "notifications",
    "products",
    "verifications",
]
