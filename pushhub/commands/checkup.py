"""What `pushhub doctor` looks at."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec
from urllib.parse import urlsplit

import sqlalchemy as sa
from aiosmtplib import SMTPException

from pushhub.app import create_app
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.cabinets.profile import CustomerBase
from pushhub.channels.configured import configured_channels, mail_channel, sms_gateway
from pushhub.channels.mail_answers import mail_failure
from pushhub.commands.shared import current_settings
from pushhub.customers.configured import configured_customers
from pushhub.dispatcher.circuits import open_circuits
from pushhub.dispatcher.readiness import OK, readiness
from pushhub.identity.iin import Iin
from pushhub.kernel import clock
from pushhub.kernel.db import db, reading
from pushhub.kernel.errors import ConfigurationError, PushhubError
from pushhub.kernel.sealing import load_keyring
from pushhub.kernel.secret_files import root_certificates
from pushhub.kernel.settings import Settings
from pushhub.mail.queue import backlog
from pushhub.registry.configured import configured_registry

P = ParamSpec("P")
_CLOCK_TOLERANCE = timedelta(seconds=5)
_LETTERS_WAIT_AT_MOST = timedelta(minutes=2)


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
    findings = [
        Finding("settings", True, "complete"),
        _tried("keys", _keys, settings),
        _tried("credentials", lambda: "channels: " + ", ".join(sorted(configured_channels(settings)))),
    ]
    if findings[1].ok:
        findings.extend(_database(settings))
    findings.extend(_providers(settings))
    return findings


def _tried(check: str, look: Callable[P, str], *args: P.args, **named: P.kwargs) -> Finding:
    try:
        return Finding(check, True, look(*args, **named))
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
        for name in settings.cabinets:
            yield _tried("cabinet", _cabinet, name)
        if settings.cabinets:
            yield _tried("register", _register, settings)
        yield from _customers(settings)
        yield _tried("circuits", _circuits)
        yield _tried("letters", _letters)
        db.engine.dispose()


def _circuits() -> str:
    shut = [f"{row.channel}{' ' + row.app if row.app else ''}: {row.reason}" for row in open_circuits()]
    if shut:
        raise ConfigurationError(
            f"Dispatchers found shut: {'; '.join(shut)}. Look at the credentials and the provider."
        )
    return "none open"


def _letters() -> str:
    found = backlog()
    if found.since is not None and clock.now() - found.since > _LETTERS_WAIT_AT_MOST:
        minutes = (clock.now() - found.since).total_seconds() // 60
        met = f"its last try met {found.error}" if found.error else "it was not tried yet"
        raise ConfigurationError(
            f"{found.waiting} wait, the oldest for {minutes:.0f} minutes; {met}. Look at the mail server "
            "(PUSHHUB_SMTP_URL) and whether a dispatcher runs."
        )
    return f"{found.waiting} wait"


def _cabinet(name: str) -> str:
    profile = read_profile(name)
    return f"/cabinet/{profile.slug}/ asks for {caller_of(profile).product_name}"


def _register(settings: Settings) -> str:
    # Nobody has this IIN: all that matters is that an answer comes.
    configured_registry(settings).citizen(Iin("000000000000"))
    return "answers"


def _customers(settings: Settings) -> Iterator[Finding]:
    for name in settings.cabinets:
        try:
            profile = read_profile(name)
        except ConfigurationError:  # told already
            continue
        if profile.customers is not None:
            yield _tried("customers", _customers_of, profile.name, profile.customers)


def _customers_of(name: str, base: CustomerBase) -> str:
    # Nobody has this account: all that matters is that an answer comes.
    configured_customers(base.file, base.url, base.secret_file).standing("0")
    return f"those of {name} answer"


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
    # What is checked, where, and whether that host may speak HTTP/1.1.
    wanted = [("fcm", settings.fcm_url, False)] if settings.fcm_credentials else []
    if settings.apns_key:
        wanted += [("apns", settings.apns_url, False), ("apns sandbox", settings.apns_sandbox_url, False)]
    if settings.hms_secret:
        wanted += [("hms", settings.hms_url, True), ("hms oauth", settings.hms_oauth_url, True)]
    if settings.vapid_key:
        hosts = (_BELOW.get(host, host) for host in settings.webpush_hosts)
        wanted += [("webpush", f"https://{host}", True) for host in hosts if host]
    for name, url, http1 in wanted:
        yield _tried(name, _handshake, url, settings, http1=http1)
    if settings.sms_url:
        yield _tried("sms", _gateway, settings.sms_url)
    if settings.smtp_url:
        yield _tried("email", _mail_server, settings, settings.smtp_url)


#: The host to try, where a browser's push service is a domain; none for Windows, which has one for each region.
_BELOW = {
    "push.services.mozilla.com": "updates.push.services.mozilla.com",
    "push.apple.com": "web.push.apple.com",
    "notify.windows.com": "",
}


def _handshake(url: str, settings: Settings, *, http1: bool) -> str:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    context = ssl.create_default_context()
    if settings.provider_ca is not None:
        context.load_verify_locations(settings.provider_ca)
    context.set_alpn_protocols(["h2", "http/1.1"] if http1 else ["h2"])
    try:
        with (
            socket.create_connection((host, port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            spoken = "HTTP/2" if secure.selected_alpn_protocol() == "h2" else "HTTP/1.1"
            if spoken != "HTTP/2" and not http1:
                raise ConfigurationError(f"{host} speaks no HTTP/2. Is a proxy in between?")
            return f"{host} answers, {secure.version()}, {spoken}"
    except OSError as problem:
        raise ConfigurationError(f"{host}:{port} can't be reached: {problem}. Check the firewall.") from problem


def _gateway(url: str) -> str:
    return f"{sms_gateway(url).service}: the URL is understood; whether it sends, only an SMS can tell"


def _mail_server(settings: Settings, url: str) -> str:
    """Connect and log in, as for a mail, and send none."""
    channel = mail_channel(settings, url, root_certificates(settings.provider_ca))
    try:
        tls = asyncio.run(channel.greet())
    except (SMTPException, OSError) as problem:
        outcome = mail_failure(problem)
    else:
        return f"{channel.host} answers and lets us in, {tls}"
    raise ConfigurationError(
        f"{channel.host} takes no mail from us ({getattr(outcome, 'reason', 'failed')}). "
        "Check PUSHHUB_SMTP_URL, user and password, and the firewall."
    )
