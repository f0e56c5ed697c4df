"""`pushhub doctor` tells of letters that wait for minutes, and of nothing that stands in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from pushhub.channels.recording import RecordingChannel
from pushhub.commands.checkup import Finding, examine
from pushhub.kernel.settings import Settings
from tests.mail.conftest import Desk
from tests.support.command_line import settings_only
from tests.support.databases import FakeClock
from tests.support.environments import least_of


@pytest.fixture
def look(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], Finding]:
    """What the doctor finds of letters."""
    settings_only(monkeypatch, tmp_path, least_of(settings))
    return lambda: {finding.check: finding for finding in examine()}["letters"]


@pytest.mark.both_engines
def test_letters_that_wait_for_minutes_are_told(
    look: Callable[[], Finding], desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Callable[[], None]
) -> None:
    assert look() == Finding("letters", True, "0 wait")
    desk.post()
    mail.away = True
    dispatch()
    assert look() == Finding("letters", True, "1 wait")
    desk.post()
    now.forward(minutes=3)
    found = look()
    assert not found.ok
    assert found.text.startswith("2 wait, the oldest for 3 minutes; its last try met connect.")
    assert "PUSHHUB_SMTP_URL" in found.text
    assert "mail.kz" not in found.text
    mail.away = False
    dispatch()
    assert look() == Finding("letters", True, "0 wait")
