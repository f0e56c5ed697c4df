"""From settings to channels: what is configured is built and checked at start, so a wrong file stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from firebase_admin.credentials import Certificate

from pushhub.channels.apns import ApnsChannel
from pushhub.channels.contract import ApnsEnvironment, Channel
from pushhub.channels.credentials import OAuthCredential, ProviderToken, google_fetch
from pushhub.channels.fcm import FcmChannel
from pushhub.channels.poll import PollChannel
from pushhub.channels.transport import Transport
from pushhub.errors import ConfigurationError


class ChannelSettings(Protocol):
    """What is read of the settings. A channel without its credentials is not built."""

    @property
    def fcm_credentials(self) -> Path | None: ...
    @property
    def fcm_url(self) -> str: ...
    @property
    def apns_key(self) -> Path | None: ...
    @property
    def apns_key_id(self) -> str | None: ...
    @property
    def apns_team_id(self) -> str | None: ...
    @property
    def apns_topic(self) -> str | None: ...
    @property
    def apns_url(self) -> str: ...
    @property
    def apns_sandbox_url(self) -> str: ...
    @property
    def provider_ca(self) -> Path | None: ...


def configured_channels(settings: ChannelSettings) -> dict[str, Channel]:
    """The channels by name: `poll` always, `fcm` and `apns` where their credentials are set.

    Nothing is sent and no connection is opened. Raises `ConfigurationError`.
    """
    extra_roots = _extra_roots(settings.provider_ca)
    channels: dict[str, Channel] = {"poll": PollChannel()}
    if settings.fcm_credentials is not None:
        channels["fcm"] = _fcm(settings, settings.fcm_credentials, extra_roots)
    if settings.apns_key is not None:
        channels["apns"] = _apns(settings, settings.apns_key, extra_roots)
    return channels


def _fcm(settings: ChannelSettings, path: Path, extra_roots: bytes | None) -> FcmChannel:
    certificate = _service_account(path)
    return FcmChannel(
        wire=Transport(extra_roots),
        credential=OAuthCredential(google_fetch(certificate, extra_roots)),
        project_id=certificate.project_id,
        url=settings.fcm_url.rstrip("/"),
    )


def _service_account(path: Path) -> Any:
    content = _read(path, "PUSHHUB_FCM_CREDENTIALS")
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


def _apns(settings: ChannelSettings, path: Path, extra_roots: bytes | None) -> ApnsChannel:
    if not (settings.apns_key_id and settings.apns_team_id and settings.apns_topic):
        raise ConfigurationError(
            "PUSHHUB_APNS_KEY needs PUSHHUB_APNS_KEY_ID, PUSHHUB_APNS_TEAM_ID and PUSHHUB_APNS_TOPIC. "
            "Set all four, or none for no `apns` channel."
        )
    _check_signing_key(path)
    return ApnsChannel(
        wire=Transport(extra_roots),
        provider_token=ProviderToken(path, settings.apns_key_id, settings.apns_team_id),
        topic=settings.apns_topic,
        urls={
            ApnsEnvironment.PRODUCTION: settings.apns_url.rstrip("/"),
            ApnsEnvironment.SANDBOX: settings.apns_sandbox_url.rstrip("/"),
        },
    )


def _check_signing_key(path: Path) -> None:
    content = _read(path, "PUSHHUB_APNS_KEY")
    fits = False
    try:
        key = load_pem_private_key(content, password=None)
        fits = isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"PUSHHUB_APNS_KEY: {path} is no signing key of Apple (PEM with an EC P-256 private key). "
            "Make one at developer.apple.com, Certificates, Identifiers & Profiles, Keys, and name its .p8."
        )


def _extra_roots(path: Path | None) -> bytes | None:
    if path is None:
        return None
    content = _read(path, "PUSHHUB_PROVIDER_CA")
    fits = False
    try:
        fits = bool(x509.load_pem_x509_certificates(content))
    except ValueError:
        fits = False
    if not fits:
        raise ConfigurationError(
            f"PUSHHUB_PROVIDER_CA: {path} holds no PEM certificate. "
            "Name a file with the root certificates to trust besides the usual ones, or unset it."
        )
    return content


def _read(path: Path, variable: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{variable}: {path} can't be read ({reason}). Give a path to a file that this service may read."
        ) from None
