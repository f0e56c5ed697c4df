"""Every module that holds tables, imported in one place, so that the metadata is complete wherever it is used."""

from pushhub.accounts import models as accounts
from pushhub.accounts.flows.captcha import UsedCaptcha
from pushhub.delivery import models as delivery
from pushhub.devices import models as binding
from pushhub.events.models import Event
from pushhub.kernel.idempotency import IdempotencyKey
from pushhub.kernel.limits import LimitCounter
from pushhub.mail import models as letters
from pushhub.notifications import models as notifications
from pushhub.panels import models as panels
from pushhub.products import models as products
from pushhub.verifications import models as verifications
from pushhub.webhooks import models as webhooks

__all__ = [
    "Event",
    "IdempotencyKey",
    "LimitCounter",
    "UsedCaptcha",
    "accounts",
    "binding",
    "delivery",
    "letters",
    "notifications",
    "panels",
    "products",
    "verifications",
    "webhooks",
]
