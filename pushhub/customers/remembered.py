"""Standings that were asked for a moment ago: a person turns page after page, and the product is asked once."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from pushhub.customers.contract import Customers, Standing
from pushhub.kernel import clock
from pushhub.kernel.errors import CustomersUnavailable

#: How long an answer is believed; and how long nothing is asked after there was none, so that a service that is down
#: holds up one page and not each.
BELIEVED = timedelta(seconds=30)
LEFT_ALONE = timedelta(seconds=10)
_MOST = 5000


class RememberedStandings:
    """What `customers` say of accounts, remembered for half a minute in this process."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers
        self._answers: OrderedDict[str, tuple[datetime, Standing | None]] = OrderedDict()
        self._alone_until: datetime | None = None
        self._lock = Lock()

    def standing(self, account: str) -> Standing | None:
        """What stands on the account; None where there is no such account. Raises `CustomersUnavailable`."""
        now = clock.now()
        with self._lock:
            until, answer = self._answers.get(account, (now, None))
            if until > now:
                return answer
            if self._alone_until is not None and self._alone_until > now:
                raise CustomersUnavailable
        try:
            answer = self._customers.standing(account)
        except CustomersUnavailable:
            with self._lock:
                self._alone_until = clock.now() + LEFT_ALONE
            raise
        with self._lock:
            self._alone_until = None
            self._answers[account] = (now + BELIEVED, answer)
            self._answers.move_to_end(account)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return answer
