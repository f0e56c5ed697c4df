"""A port for a service that a test starts as a process of its own."""

from __future__ import annotations

import secrets
import socket


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens. Not one of those that the system gives to outgoing connections
    (from 32768 on Linux): the tests beside this one make thousands, and one could take it before the service does."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
