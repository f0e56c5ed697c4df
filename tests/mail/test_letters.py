"""Letters: written in the caller's transaction, sent once, sealed while they wait, erased after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import ChannelDown, Outcome, Rejected, Retry, TargetDead
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.dispatcher import housekeeping
from pushhub.kernel import clock
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import create_key_file, load_keyring
from pushhub.mail import queue
from pushhub.mail.models import Letter
from pushhub.mail.rules import LetterStatus, after_try
from pushhub.products.models import ApiKey, Product
from pushhub.queueing.worker import AttemptResult
from tests.mail.conftest import ADDRESS, SUBJECT, TEXT, Desk, deliver
from tests.support.actors import Shop
from tests.support.databases import FakeClock
from tests.support.logs import everything_in
from tests.support.rows import everything_stored
from tests.support.walks import assert_walked, called

Dispatch = Callable[[], None]


@pytest.mark.both_engines
def test_a_letter_goes_the_way_that_the_architecture_shows(desk: Desk, dispatch: Dispatch) -> None:
    with called() as order:
        letter = desk.post()
        dispatch()
    assert desk.row(letter).status == LetterStatus.SENT
    channel = ("pushhub/channels/recording.py", "RecordingChannel.hand_over")
    assert_walked("letter", order, **{"EmailChannel.hand_over": channel})


def test_a_letter_goes_out_once_as_it_was_written(desk: Desk, mail: RecordingChannel, dispatch: Dispatch) -> None:
    letter = desk.post(subject="Пароль\r\nBcc: evil@example.kz")
    assert desk.row(letter).status == "queued"
    dispatch()
    dispatch()
    [sent] = mail.mail
    assert (sent["To"], sent["From"]) == (ADDRESS, "pushhub <no-reply@example.kz>")
    assert sent["Subject"] == "Пароль Bcc: evil@example.kz"
    assert sent["Bcc"] is None
    assert sent["Message-ID"] == f"<{letter}@example.kz>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert (sent.get_content_type(), sent.get_content().strip()) == ("text/plain", TEXT)
    row = desk.row(letter)
    assert (row.status, row.tries, row.error, row.sent_at) == ("sent", 1, None, clock.now())


@pytest.mark.both_engines
def test_a_transaction_that_fails_posts_nothing(
    app: Flask, shop: Shop, desk: Desk, mail: RecordingChannel, context: AppContext, dispatch: Dispatch
) -> None:
    woken: list[str] = []
    context.wake = woken.append

    def post_and_fail() -> None:
        with app.app_context(), transaction() as session:
            until = clock.now() + timedelta(minutes=1)
            queue.post(
                session, product_id=shop.product.id, to=ADDRESS, kind="test", subject="s", text="t", valid_until=until
            )
            raise RuntimeError("the caller's own fault")

    with pytest.raises(RuntimeError):
        post_and_fail()
    dispatch()
    assert (list(mail.mail), desk.statuses(), woken) == ([], [], [])
    desk.post()
    assert woken == [queue.LETTERS]


@pytest.mark.parametrize(
    "wrong", ["", "nobody", "a@b", "two@mail.kz, three@mail.kz", "имя@mail.kz", "x@mail.kz\nBcc: y@z.kz"]
)
def test_what_is_no_mailbox_is_refused_without_being_quoted(desk: Desk, wrong: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        desk.post(wrong)
    assert not wrong or wrong not in str(refusal.value)
    assert desk.statuses() == []


@pytest.mark.both_engines
def test_a_mail_server_that_is_away_delays_a_letter_and_doubles_none(
    desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    letter = desk.post()
    mail.away = True
    for _ in range(4):
        dispatch()
        now.forward(minutes=2)
    row = desk.row(letter)
    assert (row.status, row.error, list(mail.mail)) == ("queued", "connect", [])
    assert row.tries > 2
    mail.away = False
    now.forward(minutes=2, seconds=30)
    dispatch()
    dispatch()
    assert len(mail.mail) == 1
    assert desk.row(letter).status == "sent"


@pytest.mark.parametrize("outcome", [TargetDead("smtp_550"), Rejected("smtp_554")])
def test_what_is_refused_for_good_is_not_tried_again(
    desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch, outcome: Outcome
) -> None:
    mail.script(outcome)
    letter = desk.post()
    dispatch()
    now.forward(minutes=5)
    dispatch()
    row = desk.row(letter)
    assert (row.status, row.tries, row.sealed, row.sent_at) == ("failed", 1, b"", None)
    assert row.error == outcome.reason


@pytest.mark.parametrize("outcome", [Retry("smtp_451"), ChannelDown("smtp_535")])
def test_what_is_refused_for_now_is_tried_again_under_the_same_name(
    desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch, outcome: Outcome
) -> None:
    mail.script(outcome)
    letter = desk.post()
    dispatch()
    dispatch()
    assert len(mail.mail) == 1  # not at once
    now.forward(seconds=7)
    dispatch()
    assert [each["Message-ID"] for each in mail.mail] == [f"<{letter}@example.kz>"] * 2
    assert desk.row(letter).status == "sent"


@pytest.mark.both_engines
def test_a_letter_of_a_sender_that_was_killed_goes_again_under_the_same_name(
    app: Flask, desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    letter, killed = desk.post(), new_key()
    with app.app_context():
        [held] = queue.claim(killed, 10)
    dispatch()
    assert list(mail.mail) == []  # it is held
    now.forward(seconds=61)
    dispatch()
    assert [each["Message-ID"] for each in mail.mail] == [f"<{letter}@example.kz>"]
    with app.app_context():  # and should the first one live after all, it changes nothing
        queue.complete(killed, [AttemptResult(new_key(), held, Rejected("late"), now(), now())])
    row = desk.row(letter)
    assert (row.status, row.tries) == ("sent", 2)


@pytest.mark.both_engines
def test_two_dispatchers_take_a_letter_once(app: Flask, desk: Desk) -> None:
    letters = {desk.post() for _ in range(3)}
    with app.app_context():
        taken = [queue.claim(new_key(), 2), queue.claim(new_key(), 2), queue.claim(new_key(), 2)]
    assert [len(each) for each in taken] == [2, 1, 0]
    assert {letter.id for each in taken for letter in each} == letters


@pytest.mark.both_engines
def test_a_letter_whose_time_has_run_out_is_given_up_and_erased(
    app: Flask, desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    mail.away = True
    letter, other = desk.post(minutes=1), desk.post(minutes=60)
    dispatch()
    mail.away = False
    now.forward(seconds=61)
    with app.app_context():
        housekeeping.sweep()
    dispatch()
    assert (desk.row(letter).status, desk.row(letter).sealed) == ("expired", b"")
    assert desk.row(other).status == "sent"
    assert len(mail.mail) == 1


@pytest.mark.both_engines
def test_a_letter_is_sealed_while_it_waits_and_erased_when_it_is_final(
    app: Flask, desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    mail.away = True
    letter = desk.post()
    dispatch()
    written = "".join(everything_stored(app))
    assert str(letter).replace("-", "") in written.replace("-", "")
    for secret in (ADDRESS, "mail.kz", SUBJECT, "Secret-Link-0001"):
        assert secret not in written
        assert secret.encode() not in desk.row(letter).sealed
    assert len(desk.row(letter).sealed) > 100
    mail.away = False
    now.forward(seconds=10)
    dispatch()
    assert desk.row(letter).sealed == b""


def test_a_letter_that_can_not_be_read_holds_up_nobody_and_waits_for_its_key(
    desk: Desk, mail: RecordingChannel, context: AppContext, dispatch: Dispatch, tmp_path: Path, now: FakeClock
) -> None:
    unreadable, own_keyring = desk.post(), context.keyring
    create_key_file(tmp_path / "other.json")
    context.keyring = load_keyring(tmp_path / "other.json")
    readable = desk.post()
    dispatch()
    assert (desk.row(unreadable).status, desk.row(unreadable).error) == ("queued", "unreadable")
    assert desk.row(readable).status == "sent"
    assert len(mail.mail) == 1
    context.keyring = own_keyring
    now.forward(seconds=10)
    dispatch()
    assert desk.row(unreadable).status == "sent"
    assert len(mail.mail) == 2


def test_a_letter_can_not_be_opened_as_another(
    app: Flask, desk: Desk, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    first, second = desk.post(), desk.post("other@mail.kz")
    with app.app_context(), transaction() as session:
        session.execute(sa.update(Letter).where(Letter.id == first).values(sealed=desk_sealed(session, second)))
    dispatch()
    assert [each["To"] for each in mail.mail] == ["other@mail.kz"]
    assert desk.row(first).error == "unreadable"


def desk_sealed(session: sa.orm.Session, letter_id: UUID) -> bytes:
    return session.execute(sa.select(Letter.sealed).where(Letter.id == letter_id)).scalar_one()


def test_no_log_holds_an_address_or_a_link(
    desk: Desk, mail: RecordingChannel, dispatch: Dispatch, now: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mail.script(Retry("smtp_451"), Rejected("smtp_554"))
    desk.post()
    desk.post()
    for _ in range(3):
        dispatch()
        now.forward(minutes=3)
    said = everything_in(caplog.records)
    assert "letter tried" in said
    for secret in (ADDRESS, "mail.kz", SUBJECT, "Secret-Link"):
        assert secret not in said


def test_a_text_that_is_no_unicode_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(ValueError, match="must be Unicode") as refusal:
        desk.post(text=f"{TEXT} \ud800")
    assert refusal.value.__cause__ is refusal.value.__context__ is None


@pytest.mark.both_engines
def test_old_letters_are_forgotten(app: Flask, desk: Desk, now: FakeClock, dispatch: Dispatch) -> None:
    desk.post()
    dispatch()
    now.forward(days=29)
    desk.post()
    dispatch()
    now.forward(days=2)
    with app.app_context():
        housekeeping.sweep()
    assert desk.statuses() == ["sent"]


@pytest.mark.both_engines
def test_letters_of_a_product_that_is_gone_are_gone(app: Flask, desk: Desk) -> None:
    desk.post()
    with app.app_context(), transaction() as session:
        session.execute(sa.delete(ApiKey).where(ApiKey.product_id == desk.product_id))
        session.execute(sa.delete(Product).where(Product.id == desk.product_id))
    assert desk.statuses() == []


def test_without_a_mail_server_letters_wait(make_app: Callable[..., Flask], desk: Desk, now: FakeClock) -> None:
    letter = desk.post()
    deliver(make_app(channels={}))
    assert desk.row(letter).status == "queued"


@pytest.mark.both_engines
def test_metrics_count_what_waits_and_what_was_given_up(
    app: Flask, desk: Desk, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    def shown() -> list[str]:
        text = app.test_client().get("/metrics").text
        return sorted(line for line in text.splitlines() if line.startswith("pushhub_letters{"))

    mail.script(Rejected("smtp_554"))
    desk.post()
    dispatch()
    desk.post()
    desk.post()
    assert shown() == ['pushhub_letters{status="failed"} 1.0', 'pushhub_letters{status="waiting"} 2.0']


class TestRules:
    """`after_try`, without anything around it."""

    def test_waits_grow_and_stay_below_the_longest(self) -> None:
        now = clock.now()
        far = now + timedelta(days=1)
        waits = [
            after_try(Retry("connect"), tries=tries, now=now, valid_until=far, jitter=lambda: 0).due
            for tries in range(1, 8)
        ]
        seconds = [(due - now).total_seconds() for due in waits if due is not None]
        assert seconds == [5, 10, 20, 40, 80, 120, 120]
        latest = after_try(Retry("connect"), tries=99, now=now, valid_until=far, jitter=lambda: 1).due
        assert latest == now + timedelta(seconds=144)

    def test_a_servers_own_wish_is_kept(self) -> None:
        now = clock.now()
        wish = Retry("smtp_451", timedelta(minutes=10))
        step = after_try(wish, tries=1, now=now, valid_until=now + timedelta(hours=1), jitter=lambda: 0)
        assert step.due == now + timedelta(minutes=10)

    def test_what_could_only_come_too_late_is_over(self) -> None:
        now = clock.now()
        step = after_try(Retry("connect"), tries=1, now=now, valid_until=now + timedelta(seconds=5), jitter=lambda: 0)
        assert (step.status, step.due) == (LetterStatus.EXPIRED, None)
