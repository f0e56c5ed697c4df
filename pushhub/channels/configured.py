"""From settings to channels: what is configured is built and checked at start, so a wrong file stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from firebase_admin.credentials import Certificate

from pushhub.channels.apns import ApnsChannel
from pushhub.channels.contract import USUAL, ApnsEnvironment, Channel, TimeLimits
from pushhub.channels.credentials import OAuthCredential, ProviderToken, google_fetch
from pushhub.channels.email import EmailChannel
from pushhub.channels.fcm import FcmChannel
from pushhub.channels.hms import HmsChannel
from pushhub.channels.hms_answers import huawei_fetch
from pushhub.channels.mail_server import MailServer, tls_context
from pushhub.channels.poll import PollChannel
from pushhub.channels.sms import Gateway, SmsChannel
from pushhub.channels.transport import Transport
from pushhub.channels.vapid import Vapid
from pushhub.channels.webpush import WebPushChannel
from pushhub.identity.email import mailbox
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.secret_files import read, root_certificates, signing_key
from pushhub.kernel.settings import Settings


def configured_channels(settings: Settings, limits: TimeLimits = USUAL) -> dict[str, Channel]:
    """The channels by name: `poll` always, the others where their settings are there (`channel_table.py`).

    Nothing is sent and no connection is opened. Raises `ConfigurationError`.
    """
    extra_roots = root_certificates(settings.provider_ca)
    channels: dict[str, Channel] = {"poll": PollChannel()}
    if settings.fcm_credentials is not None:
        channels["fcm"] = _fcm(settings, settings.fcm_credentials, extra_roots, limits)
    if settings.apns_key is not None:
        channels["apns"] = _apns(settings, settings.apns_key, extra_roots, limits)
    if settings.hms_secret is not None:
        channels["hms"] = _hms(settings, settings.hms_secret, extra_roots, limits)
    if settings.vapid_key is not None:
        channels["webpush"] = _webpush(settings, settings.vapid_key, extra_roots, limits)
    if settings.sms_url is not None:
        channels["sms"] = SmsChannel(sms_gateway(settings.sms_url), time_limit=limits.sms)
    if settings.smtp_url is not None:
        channels["email"] = mail_channel(settings, settings.smtp_url, extra_roots, limits)
    return channels


def _fcm(settings: Settings, path: Path, extra_roots: bytes | None, limits: TimeLimits) -> FcmChannel:
    certificate = _service_account(path)
    return FcmChannel(
        wire=Transport(extra_roots, limits=limits),
        credential=OAuthCredential(google_fetch(certificate, extra_roots)),
        project_id=certificate.project_id,
        url=settings.fcm_url.rstrip("/"),
    )


def _service_account(path: Path) -> Any:
    content = read(path, "PUSHHUB_FCM_CREDENTIALS")
    certificate = None
    try:
        account = json.loads(content)
        if isinstance(account, dict) and str(account.get("token_uri")).startswith("https://"):
            certificate = Certificate(account)
    except (ValueError, TypeError, LookupError, RecursionError, UnsupportedAlgorithm):
        certificate = None  # raised below, outside the handler: the error may quote the key
    if certificate is None or not isinstance(certificate.project_id, str):
        raise ConfigurationError(
            f"PUSHHUB_FCM_CREDENTIALS: {path} is no service-account key with a project_id and an https "
            "token_uri. Download the key again: Firebase console, Project settings, Service accounts."
        )
    return certificate


def _apns(settings: Settings, path: Path, extra_roots: bytes | None, limits: TimeLimits) -> ApnsChannel:
    if not (settings.apns_key_id and settings.apns_team_id and settings.apns_topic):
        raise ConfigurationError(
            "PUSHHUB_APNS_KEY needs PUSHHUB_APNS_KEY_ID, PUSHHUB_APNS_TEAM_ID and PUSHHUB_APNS_TOPIC. "
            "Set all four, or none for no `apns` channel."
        )
    signing_key(
        path,
        "PUSHHUB_APNS_KEY",
        what="signing key of Apple",
        remedy="Make one at developer.apple.com, Certificates, Identifiers & Profiles, Keys, and name its .p8.",
    )
    return ApnsChannel(
        wire=Transport(extra_roots, limits=limits),
        provider_token=ProviderToken(path, settings.apns_key_id, settings.apns_team_id),
        topic=settings.apns_topic,
        urls={
            ApnsEnvironment.PRODUCTION: settings.apns_url.rstrip("/"),
            ApnsEnvironment.SANDBOX: settings.apns_sandbox_url.rstrip("/"),
        },
    )


def _hms(settings: Settings, path: Path, extra_roots: bytes | None, limits: TimeLimits) -> HmsChannel:
    if not settings.hms_app_id:
        raise ConfigurationError("PUSHHUB_HMS_SECRET needs PUSHHUB_HMS_APP_ID. Set both, or none for no `hms` channel.")
    secret = read(path, "PUSHHUB_HMS_SECRET").strip()
    if not secret.isascii() or not 16 <= len(secret) <= 256 or len(secret.split()) != 1:
        raise ConfigurationError(
            f"PUSHHUB_HMS_SECRET: {path} holds no client secret (one word of 16 to 256 ASCII characters). "
            "Copy it from AppGallery Connect, Project settings, App information, OAuth 2.0 client ID."
        )
    fetch = huawei_fetch(settings.hms_oauth_url, settings.hms_app_id, secret.decode("ascii"), extra_roots)
    return HmsChannel(
        wire=Transport(extra_roots, http1=True, limits=limits),
        credential=OAuthCredential(fetch),
        app_id=settings.hms_app_id,
        url=settings.hms_url.rstrip("/"),
    )


def _webpush(settings: Settings, path: Path, extra_roots: bytes | None, limits: TimeLimits) -> WebPushChannel:
    key = signing_key(
        path,
        "PUSHHUB_VAPID_KEY",
        what="key of an application server",
        remedy="Make one with: openssl ecparam -name prime256v1 -genkey -noout -out FILE.",
    )
    try:
        vapid = Vapid(key, settings.vapid_subject or "")
    except ValueError:
        raise ConfigurationError(
            "PUSHHUB_VAPID_SUBJECT is no address that push services take. Set it to mailto:you@example.kz, or to "
            "https:// and a host, without a path."
        ) from None
    wire = Transport(extra_roots, http1=True, limits=limits)
    return WebPushChannel(wire=wire, vapid=vapid, hosts=settings.webpush_hosts)


def sms_gateway(url: str) -> Gateway:
    """The gateway of the `sms` channel."""
    try:
        return Gateway.parse(url)
    except ValueError as problem:
        raise ConfigurationError(f"PUSHHUB_SMS_URL {problem}.") from None


def mail_channel(settings: Settings, url: str, extra_roots: bytes | None, limits: TimeLimits = USUAL) -> EmailChannel:
    """The `email` channel by itself, for those who want to greet its server."""
    try:
        server = MailServer.parse(url)
    except ValueError as problem:
        raise ConfigurationError(f"PUSHHUB_SMTP_URL {problem}.") from None
    try:
        sender = mailbox(settings.mail_from or "")
    except ValueError as problem:
        raise ConfigurationError(f"PUSHHUB_MAIL_FROM {problem}.") from None
    return EmailChannel(server=server, sender=sender, context=tls_context(extra_roots), time_limit=limits.mail)
