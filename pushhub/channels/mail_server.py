"""Where mail is handed over (PUSHHUB_SMTP_URL) and in whose name (PUSHHUB_MAIL_FROM), read and checked at start."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

SMTPS_PORT = 465
SUBMISSION_PORT = 587


class Security(Enum):
    """How the connection is made safe."""

    TLS = "tls"  # from the first byte (smtps://)
    STARTTLS = "starttls"  # demanded before anything is said
    NONE = "none"  # smtp:// on this machine


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server that takes mail for everybody, and what it takes us for."""

    host: str
    port: int
    security: Security
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """`smtps://user:password@host:465` or `smtp://host:587`. Raises ValueError, which quotes nothing."""
        parts = _split(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("must be smtps://user:password@host:465 or smtp://user:password@host:587")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must end after the host and the port; percent-encode / ? # @ in the password")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("must name both user and password, or neither")
        if parts.scheme == "smtps":
            security, port = Security.TLS, SMTPS_PORT
        else:
            security, port = _for_plain(parts.hostname), SUBMISSION_PORT
        user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or port, security, user, password)


def tls_context(extra_roots: bytes | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificates checked against the usual roots and `extra_roots` (PEM)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if extra_roots is not None:
        context.load_verify_locations(cadata=extra_roots.decode("ascii"))
    return context


def _split(url: str) -> SplitResult:
    """Nothing, for a URL that can't be read: urlsplit's own error quotes it."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port > 0 else urlsplit("")
    except ValueError:
        return urlsplit("")


def _for_plain(host: str) -> Security:
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        here = False
    return Security.NONE if here else Security.STARTTLS
