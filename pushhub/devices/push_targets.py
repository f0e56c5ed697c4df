"""The provider's address of a phone: read for a message, and mended by what the provider answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import ApnsEnvironment, PushKind, PushTarget, Retry, TargetDead
from pushhub.delivery.message_source import DeliveryResult
from pushhub.devices.models import Device
from pushhub.kernel.db import ReadMapping, table_of

_device = table_of(Device).c
#: What `push_target` looks at, for those who read it together with something else.
TARGET_COLUMNS: tuple[sa.ColumnElement[object], ...] = (
    _device.id.label("device_id"),
    _device.push_kind,
    _device.push_value,
    _device.push_topic,
    _device.push_environment,
    _device.locale,
)


def push_target(row: ReadMapping) -> PushTarget:
    """Where a message to this device goes; to its feed where there is no device (a test key)."""
    if row["device_id"] is None:
        return PushTarget(PushKind.POLL, "")
    return PushTarget(
        PushKind(row["push_kind"]),
        row["push_value"] or "",
        row["push_topic"],
        ApnsEnvironment(row["push_environment"] or ApnsEnvironment.PRODUCTION),
    )


def mend_targets(session: Session, results: Iterable[DeliveryResult], now: datetime) -> None:
    """Take note of push targets that died, and of those that belong to Apple's other host."""
    for result in results:
        device_id, outcome, message = result.item.device_id, result.outcome, result.item.message
        if device_id is None:
            continue
        if isinstance(outcome, TargetDead):
            # A target that was registered after the provider saw the old one die is a new, living one.
            since = outcome.since or result.started_at
            session.execute(
                sa.update(Device)
                .where(Device.id == device_id, Device.push_registered_at <= since)
                .values(push_dead_at=now)
            )
        elif isinstance(outcome, Retry) and outcome.environment is not None and message is not None:
            session.execute(
                sa.update(Device)
                .where(Device.id == device_id, Device.push_value == message.target.value)
                .values(push_environment=outcome.environment)
            )
