"""What the outbox asks of whoever has something to deliver: verifications (codes) and notifications.

The queue, its leases and its tries know no verification and no notification. A source says when a delivery of its
kind is not wanted any more, loads what is to be sent, and is told what came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import Message, Outcome
from pushhub.delivery.rules import DeliveryKind, DeliveryTransition
from pushhub.kernel.db import ReadMapping, ReadRow
from pushhub.kernel.errors import ConfigurationError
from pushhub.queueing.lease_queue import Claim, Lease
from pushhub.queueing.worker import AttemptResult

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A claimed delivery with its message."""

    lease: Lease
    channel: str
    expires_at: datetime
    #: None where it can't be read: its sealing key is missing, or its bytes were changed.
    message: Message | None
    #: The phone that it goes to, where it goes to one.
    device_id: UUID | None = None
    #: When its code goes on to the next channel by itself; None where it does not.
    escalate_at: datetime | None = None

    @property
    def delivery_id(self) -> UUID:
        return cast(UUID, self.lease.key)


DeliveryResult = AttemptResult[OutgoingMessage, Outcome]


@dataclass(frozen=True, slots=True)
class WrittenResult:
    """What came of one try, and what becomes of its delivery."""

    result: DeliveryResult
    transition: DeliveryTransition
    #: False where the lease had run out: the delivery belongs to somebody else and was left alone.
    ours: bool


def message_or_none(build: Callable[[ReadMapping], Message], row: ReadMapping) -> Message | None:
    """What `build` makes of a claimed row; None, and a line in the log, where that can't be done: nobody else has to
    wait for a message that can't be read."""
    try:
        return build(row)
    except (ConfigurationError, ValueError) as problem:
        log.error("message can't be read", extra={"delivery_id": str(row["id"]), "cause": type(problem).__name__})
        return None


class MessageSource(Protocol):
    """Deliveries of one kind. `pushhub.dispatcher.work` names the sources that there are."""

    def __hash__(self) -> int: ...

    @property
    def kind(self) -> DeliveryKind: ...

    @property
    def over(self) -> Sequence[tuple[sa.ColumnElement[bool], str]]:
        """Conditions on a row of deliveries under which nobody wants it any more, with the word for each. One value
        for each row, found by its key: for EXISTS the planner may read a whole table with each claim."""
        ...

    def load(self, channel: str, owner: UUID, claim: Claim) -> Sequence[OutgoingMessage]:
        """The messages of claimed deliveries, read in one query."""
        ...

    def tell_expired(self, session: Session, rows: Sequence[ReadRow]) -> None:
        """Deliveries (`id`, `product_id`, `verification_id`, `channel`, `error`) have expired before they went out."""
        ...

    def after_results(self, session: Session, written: Sequence[WrittenResult], now: datetime) -> bool:
        """Do what follows from results, in their transaction. True where a code has to go on to its next channel at
        once."""
        ...
