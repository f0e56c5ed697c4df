"""What `pushhub doctor` looks at."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from pushhub import clock
from pushhub.app import create_app
from pushhub.channels.configured import configured_channels
from pushhub.commands.shared import current_settings
from pushhub.db import db, reading
from pushhub.errors import ConfigurationError, PushhubError
from pushhub.readiness import OK, readiness
from pushhub.sealing import load_keyring
from pushhub.settings import Settings

_CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    text: str


def examine() -> list[Finding]:
    """Look at everything; what can't be looked at because something before it is broken is left out."""
    try:
        settings = current_settings()
    except ConfigurationError as problem:
        return [Finding("settings", False, str(problem).replace("\n", " "))]
    findings = [Finding("settings", True, "complete")]
    findings.append(_tried("keys", lambda: _keys(settings)))
    findings.append(_tried("credentials", lambda: "channels: " + ", ".join(sorted(configured_channels(settings)))))
    if findings[1].ok:
        findings.extend(_database(settings))
    findings.extend(_providers(settings))
    return findings


def _tried(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, True, look())
    except (ConfigurationError, PushhubError) as problem:
        return Finding(check, False, str(problem))


def _keys(settings: Settings) -> str:
    load_keyring(settings.key_file)
    return "readable, and by nobody else"


def _database(settings: Settings) -> Iterator[Finding]:
    app = create_app(settings, channels={})
    with app.app_context():
        yield from (Finding(check, text == OK, text) for check, text in readiness().items())
        yield _tried("clock", _same_time)


def _same_time() -> str:
    if db.engine.dialect.name == "sqlite":
        return f"this machine says {clock.rfc3339(clock.now())}"
    with reading() as session:
        theirs: datetime = session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(theirs - clock.now())
    if apart > _CLOCK_TOLERANCE:
        raise ConfigurationError(
            f"This machine and the database are {apart.total_seconds():.0f} seconds apart. Run NTP on both."
        )
    return f"{apart.total_seconds():.1f} seconds from the database's"


def _providers(settings: Settings) -> Iterator[Finding]:
    wanted = [("fcm", settings.fcm_url)] if settings.fcm_credentials else []
    if settings.apns_key:
        wanted += [("apns", settings.apns_url), ("apns sandbox", settings.apns_sandbox_url)]
    for name, url in wanted:
        yield _tried(name, lambda url=url: _handshake(url, settings))  # type: ignore[misc]


def _handshake(url: str, settings: Settings) -> str:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    context = ssl.create_default_context()
    if settings.provider_ca is not None:
        context.load_verify_locations(settings.provider_ca)
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            if secure.selected_alpn_protocol() != "h2":
                raise ConfigurationError(f"{host} speaks no HTTP/2. Is a proxy in between?")
            return f"{host} answers, {secure.version()}, HTTP/2"
    except OSError as problem:
        raise ConfigurationError(f"{host}:{port} can't be reached: {problem}. Check the firewall.") from problem
