"""Letters over the real wire: a mail server that is down, that refuses, that dies in the middle; a killed sender."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import USUAL, TimeLimits
from pushhub.kernel import clock
from pushhub.kernel.db import transaction
from pushhub.kernel.settings import Settings, load_settings
from pushhub.mail.health import mail_state
from pushhub.mail.models import Letter
from pushhub.mail.rules import MailState
from simulators import Simulators
from simulators.inbox import Arrival
from tests.faults.dispatcher_process import DispatcherProcess, Oddities
from tests.mail.conftest import ADDRESS, SUBJECT, TEXT, Desk, deliver
from tests.support.databases import FakeClock
from tests.support.environments import least_of
from tests.support.waiting import until

Wired = Callable[..., Flask]


@pytest.fixture
def wired(make_app: Callable[..., Flask], settings: Settings, sim: Simulators, desk: Desk) -> Wired:
    """An application whose mail goes to the simulated server, or to where the settings say."""

    def make(limits: TimeLimits = USUAL, **changes: str) -> Flask:
        ours = load_settings({**least_of(settings), **sim.settings(), **changes})
        ours = replace(ours, fcm_credentials=None, apns_key=None, hms_secret=None, vapid_key=None, sms_url=None)
        return make_app(ours, channels=configured_channels(ours, limits))

    return make


def taken(sim: Simulators) -> list[Arrival]:
    return [arrival for arrival in sim.arrived("email") if arrival.status == 250]


def test_a_letter_arrives_with_its_text(wired: Wired, desk: Desk, sim: Simulators) -> None:
    letter = desk.post()
    deliver(wired())
    [arrival] = taken(sim)
    assert arrival.target == ADDRESS
    assert arrival.payload["subject"] == SUBJECT
    assert arrival.payload["text"].strip() == TEXT
    assert arrival.headers["content-type"].startswith("text/plain")
    assert arrival.headers["auto-submitted"] == "auto-generated"
    assert arrival.message_id is not None
    assert str(letter) in arrival.message_id
    assert desk.row(letter).status == "sent"


def test_a_letter_arrives_as_text_and_as_html(wired: Wired, desk: Desk, sim: Simulators) -> None:
    html = f"<!doctype html><html lang='ru'><body><p>{'Ссылка &lt;b&gt; ' * 200}</p>\n.\n..</body></html>"
    letter = desk.post(html=html)
    deliver(wired())
    [arrival] = taken(sim)
    assert arrival.headers["content-type"].startswith("multipart/alternative")
    assert arrival.payload["text"].strip() == TEXT
    assert arrival.payload["html"].replace("\r\n", "\n").strip() == html
    assert (desk.row(letter).status, desk.row(letter).sealed) == ("sent", b"")


def test_a_server_that_is_down_gets_the_letter_later_and_once(
    wired: Wired, desk: Desk, sim: Simulators, now: FakeClock
) -> None:
    letter = desk.post()
    nobody_there = wired(PUSHHUB_SMTP_URL="smtp://127.0.0.1:1")
    with nobody_there.app_context():
        mail_state()
    deliver(nobody_there)
    with nobody_there.app_context():
        assert mail_state() is MailState.DELAYED
    assert (desk.row(letter).status, desk.row(letter).error) == ("queued", "connect")
    now.forward(seconds=10)
    up = wired()
    with up.app_context():
        mail_state()
    for _ in range(2):
        deliver(up)
    with up.app_context():
        assert mail_state() is MailState.OK
    assert len(taken(sim)) == 1
    assert (desk.row(letter).status, desk.row(letter).sealed) == ("sent", b"")


@pytest.mark.parametrize(
    ("stage", "status", "becomes", "error"),
    [
        ("connect", 421, "queued", "smtp_421"),
        ("auth", 535, "queued", "smtp_535"),
        ("rcpt", 451, "queued", "smtp_451"),
        ("rcpt", 550, "failed", "smtp_550"),
        ("data", 452, "queued", "smtp_452"),
        ("data", 554, "failed", "smtp_554"),
    ],
)
def test_each_refusal_is_for_now_or_for_good(
    wired: Wired, desk: Desk, sim: Simulators, stage: str, status: int, becomes: str, error: str
) -> None:
    sim.script(provider="email", times=None, status=status, reason="no", detail={"stage": stage})
    letter = desk.post()
    deliver(wired())
    row = desk.row(letter)
    assert (row.status, row.error) == (becomes, error)
    assert (row.sealed == b"") is (becomes == "failed")


def test_an_answer_that_is_lost_brings_a_second_copy_under_the_same_name(
    wired: Wired, desk: Desk, sim: Simulators, now: FakeClock
) -> None:
    sim.script(provider="email", fault="reset_after_taking", detail={"stage": "data"})
    letter = desk.post()
    app = wired()
    deliver(app)
    assert desk.row(letter).error == "reset"
    now.forward(seconds=10)
    deliver(app)
    copies = taken(sim)
    assert [copy.answered for copy in copies] == [False, True]
    assert len({copy.message_id for copy in copies}) == 1
    assert desk.row(letter).status == "sent"


def test_a_hanging_mailbox_holds_up_no_other_letter(wired: Wired, desk: Desk, sim: Simulators) -> None:
    sim.script(provider="email", target=ADDRESS, fault="hang", detail={"stage": "rcpt"})
    stuck, other = desk.post(), desk.post("other@mail.kz")
    deliver(wired(TimeLimits(mail=3.0)))
    assert (desk.row(stuck).status, desk.row(other).status) == ("queued", "sent")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], DispatcherProcess]]:
    made: list[DispatcherProcess] = []

    def start(environ: dict[str, str]) -> DispatcherProcess:
        made.append(DispatcherProcess(environ, tmp_path / f"dispatcher-{len(made)}.log", Oddities()))
        return made[-1]

    yield start
    for process in made:
        process.end()


def test_a_dispatcher_killed_between_sending_and_writing_sends_again_under_the_same_name(
    desk: Desk,
    sim: Simulators,
    settings: Settings,
    processes: Callable[[dict[str, str]], DispatcherProcess],
    tmp_path: Path,
) -> None:
    environ = least_of(settings) | sim.settings()
    sim.script(provider="email", delay=60, detail={"stage": "data"})
    with clock.use(lambda: datetime.now(UTC)):
        letter = desk.post()
    killed = processes(environ)
    until(lambda: len(taken(sim)) == 1, 30, "it did not happen in time")
    killed.kill()
    assert desk.row(letter).status == "sending"
    with desk.app.app_context(), transaction() as session:  # as if the lease had run out
        session.execute(sa.update(Letter).values(claimable_at=Letter.created_at))
    second = processes(environ)
    until(lambda: desk.row(letter).status == "sent", 30, "it did not happen in time")
    second.drain()
    copies = taken(sim)
    assert [copy.answered for copy in copies] == [False, True]
    assert len({copy.message_id for copy in copies}) == 1
    assert desk.row(letter).sealed == b""
    said = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "mail.kz" not in said
    assert "Secret-Link" not in said
