"""A device in a file, so that it lives on between commands. The file holds the device's private key and is
readable by its owner alone."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from reference_device.client import ReferenceDevice, Transport
from reference_device.keys import DeviceKey


def load_device(path: Path, server: str, send: Transport) -> ReferenceDevice:
    """The device in the file, or a new one where there is no file.

    Raises ValueError where the file is not one of ours.
    """
    if not path.exists():
        return ReferenceDevice(server, send, hardware_id=str(uuid.uuid4()))
    try:
        kept = json.loads(path.read_text())
        return ReferenceDevice(
            server,
            send,
            key=DeviceKey.load(kept["key"]),
            installation_id=kept["installation_id"],
            hardware_id=kept["hardware_id"],
            secret=kept["secret"],
        )
    except (KeyError, ValueError) as problem:
        raise ValueError(f"{path} is not a device's file. Name another file, or delete it.") from problem


def save_device(path: Path, device: ReferenceDevice) -> None:
    """Write the device to its file (mode 0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(
            {
                "key": device.key.private_jwk(),
                "installation_id": device.installation_id,
                "hardware_id": device.hardware_id,
                "secret": device.secret,
            },
            file,
        )
