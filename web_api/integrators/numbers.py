"""Can this number be reached?"""

from __future__ import annotations

from typing import Any

from pushhub.delivery.rules import TEST_CHANNEL
from pushhub.devices.reachability import look_up_reachability
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock, errors
from pushhub.products.rules import Scope
from web_api.integrators import quota
from web_api.integrators.caller import operations, the_caller
from web_api.integrators.schemas import NumberState

face = operations("numbers", __name__, "Whether a number can be reached")


@face.operation("GET", "/<number>", answer=NumberState, refuses=[errors.NumberInvalid])
def show_number(number: str) -> dict[str, Any]:
    """Whether a number can be reached now, by what, and if not, why. Has a quota of its own"""
    caller = the_caller(Scope.NUMBERS)
    quota.spend_lookup(caller)
    phone = PhoneNumber.parse(number)
    if not caller.live:
        return _of_a_test(phone)
    reach = look_up_reachability(phone)
    channels = []
    if reach.reachable:
        channels = [{"channel": reach.channel, "platform": reach.platform, "last_seen_at": reach.last_seen_at}]
    return {
        "number": phone.e164,
        "reachable": reach.reachable,
        "reason": reach.reason,
        "channels": channels,
        "bound_at": reach.bound_at,
    }


def _of_a_test(phone: PhoneNumber) -> dict[str, Any]:
    """What a test key is told of every number: nothing about real people, and that a code can be asked for."""
    channels = [{"channel": TEST_CHANNEL, "platform": "test", "last_seen_at": clock.now()}]
    return {"number": phone.e164, "reachable": True, "reason": None, "channels": channels, "bound_at": None}
