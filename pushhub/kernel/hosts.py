"""Hosts of the web, as settings name them: `host`, `host:port`, `[address]:port`."""

from __future__ import annotations

import re

HTTPS_PORT = 443
_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?(/[!$-\[\]-~]*)?")


def host_and_port(entry: str) -> tuple[str, int]:
    """Host and port, 443 where none is named. Raises ValueError."""
    found = _HOST.fullmatch(entry.lower())
    if found is None or not 0 < int(found["port"] or HTTPS_PORT) < 65536:
        raise ValueError("is no host")
    return found["host"], int(found["port"] or HTTPS_PORT)
