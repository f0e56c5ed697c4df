"""The rules of panels. Pure: no I/O, no clock.

open ──→ bound       a device was bound through it; for a panel that only binds this is the end
  │        │
  ├────────┴──→ approved   the right code was typed into it
  ├───────────→ expired    its time ran out
  └───────────→ closed     by the product
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from pushhub.products.route import PUSH, Step, way_without_app
from pushhub.products.rules import Assurance

#: Long enough for an offer (10 minutes) and the code after it (5); no longer, because the secret stands in a page.
LIFE = timedelta(minutes=15)
#: So long after its end the product can still look at a panel.
KEPT = timedelta(hours=24)
#: A page that is loaded again goes on with its panel where the panel has more than this left.
LONG_ENOUGH = timedelta(minutes=5)
SECRET_PREFIX = "phs_"  # noqa: S105 - what secrets begin with
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_USUAL_PORTS = {"https": 443, "http": 80}


class PanelStatus(StrEnum):
    OPEN = "open"
    BOUND = "bound"
    APPROVED = "approved"
    EXPIRED = "expired"
    CLOSED = "closed"


def binding_helps(assurance: Assurance, purpose: str | None, proven_purposes: Sequence[str]) -> bool:
    """Whether a device that is bound through this panel could be sent the panel's code."""
    return assurance.may_replace or purpose not in proven_purposes


def way_to(steps: Sequence[Step], *, by_app: bool) -> str | None:
    """By what a code goes first, or None where nothing reaches the number."""
    return PUSH if by_app and steps[0].channel == PUSH else way_without_app(steps) or (PUSH if by_app else None)


def origin_in(text: str) -> str | None:
    """An origin as browsers write it (RFC 6454, 6.2), or None where `text` is none that a panel may have: https,
    or http on this machine."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    if not host or not host.isascii() or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in text:
        return None
    if any(letter <= " " or letter in "\\?#" for letter in text):
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _USUAL_PORTS[parts.scheme]) else "")
