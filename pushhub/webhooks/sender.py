"""Sends what is queued for webhooks: each message is signed and posted.

How many tries one webhook may have under way follows from how it does: an endpoint that answers gets more, up to a
limit; one that does not answer gets one at a time. So an endpoint that hangs holds up only itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.kernel.secret_files import root_certificates
from pushhub.queueing.lease_queue import Key
from pushhub.queueing.worker import POLL_SECONDS, DatabaseThreads, LeaseWorker
from pushhub.webhooks import queue, resolver, signing
from pushhub.webhooks.guarded_client import TOTAL_SECONDS, GuardedClient, trusted
from pushhub.webhooks.queue import LeasedMessage, MessageResult
from pushhub.webhooks.rules import LARGEST_BODY, EndpointAnswer
from pushhub.webhooks.targets import UrlRefusal, target_of

#: Messages in flight in one process.
IN_FLIGHT = 100
#: The least time between two looks at the queue, and for how long outcomes are gathered.
GATHER_SECONDS = 0.02
_HEADERS = {"Content-Type": "application/json", "User-Agent": "pushhub"}


class Pace:
    """How many tries each webhook may have under way in this process."""

    FIRST = 4
    MOST = 16

    def __init__(self) -> None:
        self._allowed: dict[UUID, int] = {}
        self._under_way: Counter[UUID] = Counter()

    def room(self, webhook_id: UUID) -> int:
        """How many more may begin now."""
        return self._allowed.get(webhook_id, self.FIRST) - self._under_way[webhook_id]

    def begin(self, webhook_id: UUID) -> None:
        self._under_way[webhook_id] += 1

    def end(self, webhook_id: UUID, *, answered: bool) -> None:
        """A try has ended: twice as many next time if the endpoint answered, else one at a time."""
        self._under_way[webhook_id] -= 1
        if not self._under_way[webhook_id]:
            del self._under_way[webhook_id]
        doubled = min(self._allowed.get(webhook_id, self.FIRST) * 2, self.MOST)
        self._allowed[webhook_id] = doubled if answered else 1


class WebhookSender(LeaseWorker[LeasedMessage, EndpointAnswer]):
    """Sends for the application in whose context it is made.

    Args:
        try_seconds: for one try at an endpoint.
        largest_body: bytes from which on a message is not sent.
    """

    def __init__(
        self,
        database: DatabaseThreads,
        *,
        try_seconds: float = TOTAL_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        super().__init__(
            "webhooks",
            database,
            room=IN_FLIGHT,
            poll_seconds=poll_seconds,
            gather_seconds=GATHER_SECONDS,
            settle_seconds=GATHER_SECONDS,
        )
        settings = current().settings
        self.owner = new_key()
        self._largest_body = largest_body
        self._private_allowed = settings.webhook_private_addresses
        self._pace = Pace()
        self._try_seconds = try_seconds
        self._trusted = trusted(root_certificates(settings.provider_ca))
        self._resolver = resolver.current()

    async def run(self, stopping: asyncio.Event) -> None:
        async with self._new_client() as self._client:
            await super().run(stopping)

    async def empty(self) -> None:
        async with self._new_client() as self._client:
            await super().empty()

    def _new_client(self) -> GuardedClient:
        """It belongs to the loop that it is opened in."""
        return GuardedClient(
            self._trusted,
            self._resolver,
            private_allowed=self._private_allowed,
            total_seconds=self._try_seconds,
        )

    def claim(self, room: int) -> Sequence[LeasedMessage]:
        return queue.claim(self.owner, room, self._pace.room)

    def give_back(self, held: Collection[Key]) -> None:
        queue.QUEUE.give_back(self.owner, held)

    async def attempt(self, item: LeasedMessage) -> EndpointAnswer:
        self._pace.begin(item.webhook_id)
        answer = self.outcome_of_a_bug()
        try:
            answer = await self._try(item)
        finally:
            self._pace.end(item.webhook_id, answered=answer.status is not None)
        return answer

    def outcome_of_a_bug(self) -> EndpointAnswer:
        return EndpointAnswer(error="internal_error")

    async def complete(self, results: list[MessageResult]) -> None:
        await self.database.run(partial(queue.complete, self.owner, results))

    async def _try(self, message: LeasedMessage) -> EndpointAnswer:
        target = target_of(message.url, private_allowed=self._private_allowed)
        if isinstance(target, UrlRefusal):  # the setting is another one than when it was registered
            return EndpointAnswer(error=str(target))
        if not message.secrets:
            return EndpointAnswer(error="secret_unreadable")
        if len(message.body) >= self._largest_body:
            return EndpointAnswer(error="body_too_large")
        signed = signing.headers(message.secrets, message.message_id, clock.now(), message.body)
        return await self._client.post(target, _HEADERS | signed, message.body)
