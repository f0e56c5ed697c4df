"""Which channels are built from which settings, and what is said about a file that is not right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from channel_material import ec_key, message, run, service_account, written
from cryptography.hazmat.primitives.asymmetric import ec

from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import Accepted
from pushhub.errors import ConfigurationError


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
    provider_ca: Path | None = None


def test_without_credentials_there_is_only_poll_and_it_accepts_at_once() -> None:
    channels = configured_channels(Given())
    assert list(channels) == ["poll"]
    assert run(channels["poll"].send(message())) == Accepted("feed")


def test_with_credentials_every_channel_is_there_under_its_name(tmp_path: Path) -> None:
    channels = configured_channels(
        Given(
            fcm_credentials=written(tmp_path / "fcm.json", json.dumps(service_account())),
            apns_key=written(tmp_path / "key.p8", ec_key()),
        )
    )
    assert {name: channel.name for name, channel in channels.items()} == {
        "poll": "poll",
        "fcm": "fcm",
        "apns": "apns",
    }

    async def close() -> None:
        for channel in channels.values():
            await channel.close()

    run(close())


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


def refuses(path: Path, content: bytes | str, variable: str, **settings: Any) -> None:
    written(path, content)
    with pytest.raises(ConfigurationError) as caught:
        configured_channels(Given(**settings))
    assert str(caught.value).startswith(f"{variable}: {path} ")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["fcm_credentials", "apns_key", "provider_ca"])
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
