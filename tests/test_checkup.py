"""`pushhub doctor` says which provider is not as it must be, and what to do; no sentence holds a secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pushhub.commands.checkup import Finding, examine
from pushhub.kernel.sealing import create_key_file
from simulators import Simulators
from tests.support.environments import least_settings

Look = Callable[..., dict[str, Finding]]


@pytest.fixture(scope="module")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with Simulators(tmp_path_factory.mktemp("simulators")) as running:
        yield running


@pytest.fixture
def look(simulators: Simulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Let the doctor look at an installation whose providers are simulated; settings may be spoiled."""
    monkeypatch.chdir(tmp_path)
    create_key_file(tmp_path / "keys.json")
    for name in [name for name in os.environ if name.startswith("PUSHHUB_")]:
        monkeypatch.delenv(name)

    def call(sim: Simulators = simulators, **spoiled: str) -> dict[str, Finding]:
        least = least_settings(f"sqlite:///{tmp_path}/pushhub.db", tmp_path / "keys.json")
        for name, value in {**least, **sim.settings(), **spoiled}.items():
            monkeypatch.setenv(name, value)
        return {finding.check: finding for finding in examine()}

    return call


def test_every_provider_is_tried(look: Look) -> None:
    found = look()
    ways_out = ("fcm", "apns", "apns sandbox", "hms", "hms oauth", "webpush", "sms", "email")
    assert all(found[name].ok for name in (*ways_out, "credentials"))
    assert found["credentials"].text == "channels: apns, email, fcm, hms, poll, sms, webpush"
    assert found["hms"].text.endswith("HTTP/2")
    assert found["email"].text.endswith("answers and lets us in, TLSv1.3")
    assert found["sms"].text.startswith("SMS Eagle: the URL is understood")


@pytest.mark.parametrize(
    ("check", "spoiled", "says"),
    [
        ("hms", {"PUSHHUB_HMS_URL": "https://127.0.0.1:1"}, "127.0.0.1:1 can't be reached"),
        ("hms oauth", {"PUSHHUB_HMS_OAUTH_URL": "https://127.0.0.1:1/token"}, "127.0.0.1:1 can't be reached"),
        ("webpush", {"PUSHHUB_WEBPUSH_HOSTS": "127.0.0.1:1"}, "127.0.0.1:1 can't be reached"),
        ("email", {"PUSHHUB_SMTP_URL": "smtp://127.0.0.1:1"}, "127.0.0.1:1 takes no mail from us (connect)"),
        (
            "sms",
            {"PUSHHUB_SMS_URL": "nonsense://secret739146/{number}"},
            "PUSHHUB_SMS_URL is no URL that Apprise can use",
        ),
        ("email", {"PUSHHUB_SMTP_URL": "smtp://u:secret739146@h:x"}, "PUSHHUB_SMTP_URL must be smtps://"),
        ("email", {"PUSHHUB_MAIL_FROM": "secret739146"}, "PUSHHUB_MAIL_FROM must be one mail address"),
        ("credentials", {"PUSHHUB_VAPID_SUBJECT": "mailto:nobody"}, "PUSHHUB_VAPID_SUBJECT is no address"),
        ("settings", {"PUSHHUB_SMTP_URL": ""}, "missing: PUSHHUB_SMTP_URL"),
    ],
)
def test_what_is_wrong_is_named(look: Look, check: str, spoiled: dict[str, str], says: str) -> None:
    found = look(**spoiled)
    assert not found[check].ok
    assert says in found[check].text
    assert "739146" not in "".join(finding.text for finding in found.values())


@pytest.mark.parametrize("variable", ["PUSHHUB_HMS_SECRET", "PUSHHUB_VAPID_KEY"])
def test_a_file_that_holds_something_else_is_named(look: Look, tmp_path: Path, variable: str) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("secret 739146 and more than one word")
    finding = look(**{variable: str(wrong)})["credentials"]
    assert not finding.ok
    assert finding.text.startswith(f"{variable}: {wrong} ")
    assert "739146" not in finding.text


def test_a_wrong_password_of_the_mail_server_is_found_out(look: Look, simulators: Simulators) -> None:
    wrong = simulators.smtps_url.replace("pushhub:", "pushhub:secret739146")
    finding = look(PUSHHUB_SMTP_URL=wrong)["email"]
    assert not finding.ok
    assert "takes no mail from us (smtp_535)" in finding.text
    assert "739146" not in finding.text
    assert simulators.arrived() == []


def test_http_1_is_enough_for_huawei_and_browsers_and_not_for_apple(look: Look, tmp_path: Path) -> None:
    with Simulators(tmp_path / "old", http2=False) as old_world:
        found = look(old_world)
    assert found["hms"].text.endswith("HTTP/1.1")
    assert found["webpush"].ok
    assert not found["apns"].ok
