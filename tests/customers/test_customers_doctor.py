"""`pushhub doctor` asks the customers of each cabinet that has some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pushhub.cabinets import loader
from pushhub.commands.checkup import Finding, examine
from pushhub.kernel.sealing import create_key_file
from simulators.customers import Customers
from tests.support.command_line import settings_only

PROFILES = Path(loader.__file__).with_name("profiles")


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Finding]]:
    """What the doctor finds of customers, for a cabinet whose profile says `[customers]` like this."""
    create_key_file(tmp_path / "keys.json")
    settings = {
        "PUSHHUB_DATABASE_URL": f"sqlite:///{tmp_path}/pushhub.db",
        "PUSHHUB_KEY_FILE": str(tmp_path / "keys.json"),
        "PUSHHUB_PUBLIC_URL": "https://codes.example.kz",
        "PUSHHUB_CABINETS": str(tmp_path / "trial.toml"),
    }
    settings_only(monkeypatch, tmp_path, settings)

    def call(customers: str) -> list[Finding]:
        text = (PROFILES / "kaztranscom.toml").read_text()
        logo = PROFILES / "kaztranscom.svg"
        text = text.replace('logo = "kaztranscom.svg"', f'logo = "{logo}"')
        head, _, _ = text.partition("[customers]")
        (tmp_path / "trial.toml").write_text(f"{head}[customers]\n{customers}\n")
        return [finding for finding in examine() if finding.check == "customers"]

    return call


def test_customers_that_answer_are_told(look: Callable[[str], list[Finding]]) -> None:
    file = PROFILES / "kaztranscom-customers.toml"
    assert look(f'file = "{file}"') == [Finding("customers", True, "those of KazTransCom answer")]
    with Customers(file) as service:
        assert look(f'url = "{service.url}"') == [Finding("customers", True, "those of KazTransCom answer")]


def test_a_service_that_does_not_answer_is_told(look: Callable[[str], list[Finding]]) -> None:
    with Customers(PROFILES / "kaztranscom-customers.toml", secret="another") as service:
        [found] = look(f'url = "{service.url}"')
    assert not found.ok
