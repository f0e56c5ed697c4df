"""The reference device: everything an app on a phone does against `/mobile/v1`, without a screen.

It is the executable contract for the authors of apps: `client.py` makes the requests and their proofs,
`keys.py` holds the device's key, `state.py` keeps a device in a file for the command line.
"""

from reference_device.client import Answer, ReferenceDevice, Refused, Transport, http_transport
from reference_device.keys import DeviceKey

__all__ = ["Answer", "DeviceKey", "ReferenceDevice", "Refused", "Transport", "http_transport"]
