"""Which channels are built from which settings, and what is said about a file that is not right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from channel_material import ec_key, in_a_loop, message, run, service_account, written
from cryptography.hazmat.primitives.asymmetric import ec

from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import Accepted
from pushhub.kernel.errors import ConfigurationError


@dataclass(frozen=True)
class Given:
    fcm_credentials: Path | None = None
    fcm_url: str = "https://fcm.example"
    apns_key: Path | None = None
    apns_key_id: str | None = "ABC123DEFG"
    apns_team_id: str | None = "TEAM123456"
    apns_topic: str | None = "kz.example.app"
    apns_url: str = "https://apns.example"
    apns_sandbox_url: str = "https://sandbox.example"
    hms_app_id: str | None = "100000001"
    hms_secret: Path | None = None
    hms_url: str = "https://push.example"
    hms_oauth_url: str = "https://oauth.example/token"
    vapid_key: Path | None = None
    vapid_subject: str | None = "mailto:operator@example.kz"
    webpush_hosts: tuple[str, ...] = ("push.example",)
    sms_url: str | None = None
    smtp_url: str | None = None
    mail_from: str | None = "INDIGO <no-reply@example.kz>"
    provider_ca: Path | None = None


def test_without_credentials_there_is_only_poll_and_it_accepts_at_once() -> None:
    channels = configured_channels(Given())
    assert list(channels) == ["poll"]
    assert run(channels["poll"].send(message())) == Accepted("feed")


@in_a_loop
async def test_with_credentials_every_channel_is_there_under_its_name(tmp_path: Path) -> None:
    channels = configured_channels(
        Given(
            fcm_credentials=written(tmp_path / "fcm.json", json.dumps(service_account())),
            apns_key=written(tmp_path / "key.p8", ec_key()),
            hms_secret=written(tmp_path / "secret.txt", "ab" * 32 + "\n"),
            vapid_key=written(tmp_path / "vapid.pem", ec_key()),
            sms_url="smseagle://token@10.0.0.1/{number}",
            smtp_url="smtps://user:password@mail.example.kz",
        )
    )
    assert {name: channel.name for name, channel in channels.items()} == {
        name: name for name in ("poll", "fcm", "apns", "hms", "webpush", "sms", "email")
    }
    for channel in channels.values():
        await channel.close()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "no json",
        "[" * 100_000,
        json.dumps({"type": "authorized_user"}),
        json.dumps({**service_account(), "private_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END"}),
        json.dumps({**service_account(), "private_key": None}),
        json.dumps({**service_account(), "project_id": None}),
        json.dumps({**service_account(), "token_uri": "http://oauth2.googleapis.com/token"}),
        json.dumps({k: v for k, v in service_account().items() if k != "client_email"}),
    ],
)
def test_a_service_account_that_is_none_stops_the_start(content: str, tmp_path: Path) -> None:
    refuses(tmp_path / "fcm.json", content, "PUSHHUB_FCM_CREDENTIALS", fcm_credentials=tmp_path / "fcm.json")


@pytest.mark.parametrize("content", [b"", b"no PEM", ec_key(ec.SECP384R1()), service_account()["private_key"].encode()])
def test_a_signing_key_that_is_none_stops_the_start(content: bytes, tmp_path: Path) -> None:
    refuses(tmp_path / "key.p8", content, "PUSHHUB_APNS_KEY", apns_key=tmp_path / "key.p8")


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_root_certificate_that_is_none_stops_the_start(content: bytes, tmp_path: Path) -> None:
    refuses(tmp_path / "ca.pem", content, "PUSHHUB_PROVIDER_CA", provider_ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("content", [b"", b"short", b"two words of some length here", b"\xff" * 40, b"a" * 300])
def test_a_client_secret_that_is_none_stops_the_start(content: bytes, tmp_path: Path) -> None:
    refuses(tmp_path / "secret.txt", content, "PUSHHUB_HMS_SECRET", hms_secret=tmp_path / "secret.txt")


@pytest.mark.parametrize("content", [b"", b"no PEM", ec_key(ec.SECP384R1()), service_account()["private_key"].encode()])
def test_a_vapid_key_that_is_none_stops_the_start(content: bytes, tmp_path: Path) -> None:
    refuses(tmp_path / "vapid.pem", content, "PUSHHUB_VAPID_KEY", vapid_key=tmp_path / "vapid.pem")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"smtp_url": "http://secret7391"}, "PUSHHUB_SMTP_URL must be smtps://"),
        ({"smtp_url": "smtp://h", "mail_from": "secret7391"}, "PUSHHUB_MAIL_FROM must be one mail address"),
        ({"smtp_url": "smtp://h", "mail_from": None}, "PUSHHUB_MAIL_FROM must be one mail address"),
        ({"sms_url": "secret7391://x/{number}"}, "PUSHHUB_SMS_URL is no URL that Apprise can use"),
        ({"vapid_key": True, "vapid_subject": "mailto:secret7391"}, "PUSHHUB_VAPID_SUBJECT is no address"),
        ({"vapid_key": True, "vapid_subject": None}, "PUSHHUB_VAPID_SUBJECT is no address"),
        ({"hms_secret": Path("x"), "hms_app_id": None}, "PUSHHUB_HMS_SECRET needs PUSHHUB_HMS_APP_ID"),
    ],
)
def test_what_can_not_be_used_is_named_and_not_quoted(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    if settings.get("vapid_key"):
        settings = {**settings, "vapid_key": written(tmp_path / "vapid.pem", ec_key())}
    with pytest.raises(ConfigurationError) as caught:
        configured_channels(Given(**settings))
    assert str(caught.value).startswith(says)
    assert "7391" not in str(caught.value)


def refuses(path: Path, content: bytes | str, variable: str, **settings: Any) -> None:
    written(path, content)
    with pytest.raises(ConfigurationError) as caught:
        configured_channels(Given(**settings))
    assert str(caught.value).startswith(f"{variable}: {path} ")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["fcm_credentials", "apns_key", "hms_secret", "vapid_key", "provider_ca"])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {name: tmp_path / "missing"}
    with pytest.raises(ConfigurationError, match=r"missing can't be read \(No such file or directory\)"):
        configured_channels(Given(**changes))


@pytest.mark.parametrize("name", ["apns_key_id", "apns_team_id", "apns_topic"])
def test_an_apns_key_needs_its_companions(name: str, tmp_path: Path) -> None:
    key = written(tmp_path / "key.p8", ec_key())
    changes: dict[str, Any] = {"apns_key": key, name: None}
    with pytest.raises(ConfigurationError, match="Set all four"):
        configured_channels(Given(**changes))
