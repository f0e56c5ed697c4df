"""The phones that the service knows: recognised after a reinstall, described by their app, with a secret each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.channels.contract import PushTarget
from pushhub.context import current
from pushhub.devices.models import Device
from pushhub.kernel import clock
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """The description that an app gives of itself and of its phone."""

    installation_id: str = field(repr=False)
    hardware_id: str | None = field(repr=False)
    platform: str
    model: str
    os_version: str
    app_version: str
    locale: str
    push_target: PushTarget


def devices_like(session: Session, description: DeviceDescription) -> Sequence[Device]:
    """Rows of this very phone: by its hardware id first (it survives a reinstall), then by its installation.

    A backup carries an installation to another phone. Where both hardware ids are known and differ, it is
    another phone.
    """
    installation, hardware = digests(description)
    same_installation = Device.installation_digest == installation
    if hardware is None:
        return session.scalars(sa.select(Device).where(same_installation)).all()
    unknown_hardware = sa.and_(same_installation, Device.hardware_digest.is_(None))
    rows = session.scalars(sa.select(Device).where(sa.or_(Device.hardware_digest == hardware, unknown_hardware))).all()
    return sorted(rows, key=lambda row: row.hardware_digest is None)


def digests(description: DeviceDescription) -> tuple[str, str | None]:
    """Keyed digests of installation and phone; None for a phone that does not tell its hardware id."""
    keyring, hardware = current().keyring, description.hardware_id
    return (
        keyring.lookup_digest("installation", description.installation_id),
        keyring.lookup_digest("hardware", hardware) if hardware else None,
    )


def written_device(
    known: Sequence[Device], description: DeviceDescription, key_thumbprint: str, now: datetime
) -> Device:
    """The row of this phone, known or new, as the app describes it now. The caller gives it its secret and adds it."""
    installation, hardware = digests(description)
    device = known[0] if known else Device(id=new_key(), created_at=now)
    device.installation_digest = installation
    device.hardware_digest = hardware or device.hardware_digest
    device.key_thumbprint = key_thumbprint
    device.platform = description.platform
    device.model = description.model
    device.os_version = description.os_version
    device.app_version = description.app_version
    device.locale = description.locale
    device.notifications_allowed = device.push_service_present = None
    device.last_seen_at = now
    _set_push_target(device, description.push_target, now)
    return device


def _set_push_target(device: Device, target: PushTarget, now: datetime) -> None:
    """Write the device's new address. A target that was given up as dead counts as alive again."""
    device.push_kind = target.kind
    device.push_value = target.value or None
    device.push_topic = target.topic
    device.push_environment = target.environment
    device.push_registered_at = now
    device.push_dead_at = None


def give_secret(device: Device) -> str:
    """A new secret of the device; the one before opens nothing any more."""
    secret = f"phd_{secrets.token_urlsafe(32)}"
    device.secret_digest = secret_digest(secret)
    return secret


def update_device(device_id: UUID, *, push_target: PushTarget | None = None, **changes: str | bool | None) -> Device:
    """Write what the app reports anew: push target, locale, versions, permission to notify."""
    with transaction() as session:
        device = session.get_one(Device, device_id)
        for name, value in changes.items():
            setattr(device, name, value)
        if push_target is not None:
            _set_push_target(device, push_target, clock.now())
        session.flush()
        return device
