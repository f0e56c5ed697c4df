"""Settings are one table; what is wrong with them stops the start with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.sealing import create_key_file, load_keyring
from pushhub.kernel.settings import load_settings, table
from tests.support.environments import least_settings

DOCS = Path(__file__).parent.parent / "docs"
LEAST = least_settings("sqlite:////tmp/pushhub.db", "keys.json", "https://codes.example.kz")


def test_three_settings_are_enough() -> None:
    settings = load_settings(LEAST | {"HOME": "/root"})
    assert settings.public_url == "https://codes.example.kz"
    assert settings.rebind_days == 30
    assert settings.dispatcher == "embedded"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"PUSHHUB_DATABASE_URL": ""}, "PUSHHUB_DATABASE_URL is missing. Set it:"),
        ({"PUSHHUB_DATABSE_URL": "x"}, "PUSHHUB_DATABSE_URL is not a setting"),
        ({"PUSHHUB_DATABASE_URL": "mysql://x"}, "must start with sqlite:/// or postgresql"),
        ({"PUSHHUB_PUBLIC_URL": "http://codes.example.kz"}, "must start with https://"),
        ({"PUSHHUB_PUBLIC_URL": "codes.example.kz"}, "must be the address people use"),
        ({"PUSHHUB_PUBLIC_URL": "https://codes.example.kz:port"}, "PUSHHUB_PUBLIC_URL"),
        ({"PUSHHUB_PORT": "eighty"}, "whole number from 1 to 65535"),
        ({"PUSHHUB_PORT": "70000"}, "whole number from 1 to 65535"),
        ({"PUSHHUB_START_PAGE": "yes"}, "must be true or false"),
        ({"PUSHHUB_DISPATCHER": "both"}, "must be one of embedded, external"),
        ({"PUSHHUB_FCM_URL": "http://fcm.example.kz"}, "must be an https:// address"),
        ({"PUSHHUB_WORKERS": "2"}, "must be 1 with SQLite"),
        ({"PUSHHUB_APNS_KEY": "key.p8"}, "missing: PUSHHUB_APNS_KEY_ID, PUSHHUB_APNS_TEAM_ID, PUSHHUB_APNS_TOPIC"),
        ({"PUSHHUB_HMS_APP_ID": "1"}, "Push Kit needs both of its settings; missing: PUSHHUB_HMS_SECRET"),
        ({"PUSHHUB_HMS_APP_ID": "1/../2", "PUSHHUB_HMS_SECRET": "x"}, "PUSHHUB_HMS_APP_ID must be letters and digits"),
        ({"PUSHHUB_VAPID_KEY": "x"}, "Web push needs both of its settings; missing: PUSHHUB_VAPID_SUBJECT"),
        ({"PUSHHUB_VAPID_KEY": "x", "PUSHHUB_VAPID_SUBJECT": "me"}, "must start with mailto: or https://"),
        ({"PUSHHUB_SMTP_URL": "smtp://x"}, "Mail needs both of its settings; missing: PUSHHUB_MAIL_FROM"),
        ({"PUSHHUB_MAIL_FROM": "a@b.kz"}, "Mail needs both of its settings; missing: PUSHHUB_SMTP_URL"),
        ({"PUSHHUB_WEBPUSH_HOSTS": "push.example,,x"}, "PUSHHUB_WEBPUSH_HOSTS must be hosts separated by commas"),
        ({"PUSHHUB_WEBPUSH_HOSTS": "https://push.example"}, "must be hosts separated by commas"),
        ({"PUSHHUB_WEBPUSH_HOSTS": "push.example:70000"}, "must be hosts separated by commas"),
        ({"PUSHHUB_OFFER_STEP_SECONDS": "5"}, "from 30 to 60"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named_with_what_to_do(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_settings(LEAST | changes)


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        ("https://codes.example.kz:443/", "https://codes.example.kz"),
        ("https://Codes.Example.kz", "https://codes.example.kz"),
        ("https://codes.example.kz:8443", "https://codes.example.kz:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_public_address_is_known_as_browsers_write_it(given: str, known_as: str) -> None:
    assert load_settings(LEAST | {"PUSHHUB_PUBLIC_URL": given}).public_url == known_as


def test_push_services_are_a_list_and_what_is_secret_is_not_shown() -> None:
    given = {
        "PUSHHUB_WEBPUSH_HOSTS": "push.example.kz, Other.example:8443",
        "PUSHHUB_SMS_URL": "smseagle://secret7391@10.0.0.1/{number}",
        "PUSHHUB_SMTP_URL": "smtps://user:secret7391@mail.example.kz",
        "PUSHHUB_MAIL_FROM": "a@example.kz",
    }
    settings = load_settings(LEAST | given)
    assert settings.webpush_hosts == ("push.example.kz", "other.example:8443")
    assert "7391" not in repr(settings)
    assert load_settings(LEAST).webpush_hosts[0] == "fcm.googleapis.com"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"PUSHHUB_PORT": "x", "PUSHHUB_TYPO": "y"})
    assert str(refused.value).count("\n") == 4


def test_the_document_lists_exactly_the_settings_there_are() -> None:
    listed = (DOCS / "settings.md").read_text()
    for row in table():
        default = "required" if row.required else f"`{row.default}`" if row.default is not None else "—"
        assert f"| `{row.variable}` | {default} | {row.help} |" in listed
    assert listed.count("| `PUSHHUB_") == len(table())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file that was just made."""
    create_key_file(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def test_a_key_file_is_made_for_its_owner_alone_and_never_overwritten(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "There is no key file"), ("not json", "not a pushhub key file"), ("{}", "not a pushhub key file")],
)
def test_a_key_file_that_can_not_be_used_is_named(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=says):
        load_keyring(path)


def test_a_key_file_that_others_can_read_is_refused(path: Path) -> None:
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_keyring(path)


def test_sealed_bytes_open_only_for_their_row(path: Path) -> None:
    keyring = load_keyring(path)
    sealed = keyring.seal("0042", "code:1")
    assert b"0042" not in sealed
    assert keyring.unseal(sealed, "code:1") == "0042"
    with pytest.raises(ValueError, match="do not belong here"):
        keyring.unseal(sealed, "code:2")
    with pytest.raises(ValueError, match="do not belong here"):
        keyring.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "code:1")


def test_keys_can_be_rotated(path: Path) -> None:
    old = load_keyring(path)
    sealed, digest = old.seal("0042", "code:1"), old.code_digest("0042", "code:1")
    document = json.loads(path.read_text())
    document["keys"]["k2"] = document["index"]
    document["active"] = "k2"
    path.write_text(json.dumps(document))
    new = load_keyring(path)
    assert new.unseal(sealed, "code:1") == "0042"
    assert new.code_matches(digest, "0042", "code:1")
    assert new.seal("x", "y").startswith(b"k2:")
    del document["keys"]["k1"]
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match="Put that key back"):
        load_keyring(path).unseal(sealed, "code:1")
