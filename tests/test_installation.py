"""A whole installation as `make run` starts it: real processes, real HTTP, the simulators as providers, and the
command line beside it.

Commands are called in this process, but for two tests of the script itself: what one costs as a process of its own is
its imports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.actors import NUMBER
from tests.support.command_line import run_command, without_settings
from tests.support.environments import least_settings
from tests.support.ports import free_port
from tests.support.waiting import until

PUSHHUB = [sys.executable, "-m", "pushhub"]


class Installation:
    """A running `pushhub serve --local`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [*PUSHHUB, "serve", "--local", "--port", str(self.port)]
        self.log = home / "service.log"
        with self.log.open("wb") as log:
            environ = without_settings(os.environ) | {"PUSHHUB_LOG_LEVEL": "INFO"}
            self.process = subprocess.Popen(command, cwd=home, env=environ, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
            return False

        until(is_ready, 200, self.log.read_text)

    def run(self, *command: str, code: int = 0) -> str:
        """A command of the same installation; returns what it prints, or what it refuses with."""
        ended = run_command(*command, home=self.home)
        assert ended.code == code, ended
        return ended.stdout if code == 0 else ended.stderr

    def run_script(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of the same installation, in a process of its own."""
        environ = without_settings(os.environ)
        return subprocess.run(command, cwd=self.home, env=environ, capture_output=True, text=True, timeout=60)

    def stop(self) -> int:
        """Stop it as a deployment does; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def call(self, method: str, path: str, key: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("installation"))
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def product(installation: Installation) -> dict[str, str]:
    made: dict[str, str] = json.loads(installation.run("product", "create", "--name", "INDIGO", "--json"))
    return made


def eventually_accepted(installation: Installation, key: str, verification_id: str) -> dict[str, Any]:
    def accepted() -> dict[str, Any] | None:
        shown: dict[str, Any] = installation.call("GET", f"/v1/verifications/{verification_id}", key)
        delivery = shown["deliveries"][0]
        return shown if delivery["status"] != "queued" and delivery["attempts"] else None

    return until(accepted, 30, installation.log.read_text)


def eventually_refused(installation: Installation, path: str, key: str) -> int:
    """The service remembers for a second whose key it has seen; returns the status of its refusal."""

    def refused() -> int:
        try:
            installation.call("GET", path, key)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code
        return 0

    return until(refused, 30, f"{path} is still answered")


@pytest.mark.parametrize(
    ("platform", "channel", "number"), [("android", "fcm", NUMBER), ("ios", "apns", "+77011234567")]
)
def test_the_whole_story_over_the_wire(
    installation: Installation, product: dict[str, str], platform: str, channel: str, number: str
) -> None:
    key, state = product["live_key"], f"var/{platform}.json"
    offer = installation.call("POST", "/v1/offers", key, {"number": number})
    typed = ["--number", number, "--password", offer["password"]]
    bound = json.loads(installation.run("device", "bind", *typed, "--platform", platform, "--state", state, "--json"))
    assert bound["binding"]["number"] == number
    assert "secret" not in bound["device"]

    verification = installation.call("POST", "/v1/verifications", key, {"number": number, "purpose": "sign_in"})
    accepted = eventually_accepted(installation, key, verification["id"])
    delivery = accepted["deliveries"][0]
    assert (delivery["channel"], delivery["status"]) == (channel, "accepted")
    assert delivery["attempts"][0]["provider_id"]

    feed = json.loads(installation.run("device", "feed", "--state", state, "--json"))
    assert [item["delivery_id"] for item in feed["items"]] == [delivery["id"]]
    code = installation.run("device", "reveal", "--state", state).strip()
    check = f"/v1/verifications/{verification['id']}/check"
    assert installation.call("POST", check, key, {"code": code})["valid"] is True
    assert "This code is over" in installation.run("device", "reveal", "--state", state)

    shown = json.loads(installation.run("number", "show", number, "--json"))
    assert shown["reachable"] is True
    assert shown["deliveries"][0]["status"] == "seen"
    assert number not in json.dumps(shown)


def test_the_pages_for_people_are_served(installation: Installation) -> None:
    for path in ("/", "/app", "/docs", "/errors"):
        with urllib.request.urlopen(installation.url + path, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/html"), path
            assert "Content-Security-Policy" in answer.headers, path


def test_a_refused_device_says_why_and_nothing_is_lost(installation: Installation, product: dict[str, str]) -> None:
    said = installation.run(
        "device", "bind", "--number", NUMBER, "--password", "123456789012", "--state", "var/other.json", code=1
    )
    assert "password_mistyped" in said
    assert "exactly" not in said
    said = installation.run("device", "bind", "--number", NUMBER, code=1)
    assert "Give either --number and --password, or --qr." in said
    for command in ("feed", "reveal"):
        said = installation.run("device", command, "--state", "var/unbound.json", code=1)
        assert "bound to no number yet: pushhub device bind" in said
    nowhere = ("--server", "http://127.0.0.1:1")
    said = installation.run("device", "bind", "--number", NUMBER, "--password", "703610887203", *nowhere, code=1)
    assert "can't be reached" in said


def test_keys_are_exchanged_from_the_command_line(installation: Installation, product: dict[str, str]) -> None:
    new = json.loads(installation.run("product", "key", "add", "--product", "INDIGO", "--json"))
    assert "First revoke one" in installation.run("product", "key", "add", "--product", "INDIGO", code=1)
    path = f"/v1/numbers/{NUMBER.replace('+', '%2B')}"
    assert installation.call("GET", path, new["key"])["number"] == NUMBER
    installation.run("product", "key", "revoke", new["id"])
    assert eventually_refused(installation, path, new["key"]) == 401
    listed = json.loads(installation.run("product", "list", "--json"))
    assert new["key"] not in json.dumps(listed)


def test_the_installed_script_is_the_same_command_line(installation: Installation, product: dict[str, str]) -> None:
    script = Path(sys.executable).with_name("pushhub")
    listed = installation.run_script(str(script), "product", "list", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout == installation.run("product", "list", "--json")


def test_a_second_installation_on_the_same_port_leaves_the_first_one_alone(installation: Installation) -> None:
    kept = (installation.home / "var/local.json").read_bytes()
    refused = installation.run_script(*PUSHHUB, "serve", "--local", "--port", str(installation.port))
    assert refused.returncode == 1
    assert f"Port {installation.port} can't be used" in refused.stderr
    assert f"make run PORT={installation.port + 1}" in refused.stderr
    assert (installation.home / "var/local.json").read_bytes() == kept


def test_a_device_that_was_never_bound_says_so(installation: Installation) -> None:
    assert installation.run("device", "status", "--state", "var/new.json").strip() == "Not bound."
    assert "bound to no number yet" in installation.run("device", "unbind", "--state", "var/new.json", code=1)


def test_an_operator_takes_a_number_from_a_lost_phone(installation: Installation, product: dict[str, str]) -> None:
    number, key = "+77019876543", product["live_key"]
    offer = installation.call("POST", "/v1/offers", key, {"number": number})
    installation.run("device", "bind", "--qr", offer["qr"]["link"], "--state", "var/lost.json")
    installation.run("number", "unbind", number, "--reason", "the phone was lost")
    assert installation.run("device", "status", "--state", "var/lost.json").strip() == "Not bound."
    assert "No device is bound" in installation.run("number", "unbind", number, "--reason", "again", code=1)


def test_the_doctor_finds_a_healthy_installation(installation: Installation) -> None:
    findings = json.loads(installation.run("doctor", "--json"))
    channels = {"fcm", "apns", "hms", "hms oauth", "webpush", "sms", "email"}
    checks = {"settings", "keys", "database", "migrations", "circuits"} | channels
    assert {finding["check"] for finding in findings} >= checks
    assert all(finding["ok"] for finding in findings)


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    broken = least_settings(f"sqlite:///{tmp_path}/none.db", tmp_path / "keys.json")
    found = run_command("doctor", home=tmp_path, settings=broken)
    assert found.code == 1
    assert "pushhub keys create" in found.stdout
    found = run_command("doctor", home=tmp_path)
    assert found.code == 1
    assert "PUSHHUB_DATABASE_URL is missing" in found.stdout


def test_neither_log_nor_state_shows_a_number_or_a_secret(installation: Installation, product: dict[str, str]) -> None:
    number = "+77013334455"
    offer = installation.call("POST", "/v1/offers", product["live_key"], {"number": number})
    typed = ["--number", number, "--password", offer["password"]]
    installation.run("device", "bind", *typed, "--state", "var/quiet.json")
    installation.call("POST", "/v1/verifications", product["live_key"], {"number": number, "purpose": "sign_in"})
    log = installation.log.read_text()
    assert '"event": "request"' in log
    for secret in (number, number[1:], NUMBER, NUMBER[1:], product["live_key"], product["test_key"]):
        assert secret not in log
    for name in ("keys.json", "local.json", "quiet.json"):
        assert (installation.home / "var" / name).stat().st_mode & 0o077 == 0, name


# The last one: it ends the installation that the others share.
def test_a_service_that_is_stopped_drains_and_ends_cleanly(installation: Installation) -> None:
    assert installation.stop() == 0
    log = installation.log.read_text()
    assert "Traceback" not in log
    assert "pushhub is running. Open in a browser:" in log
