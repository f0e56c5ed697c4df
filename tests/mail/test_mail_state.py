"""What a page may say of mail: the same whosever letter it is about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.mail import health
from pushhub.mail.health import mail_state
from pushhub.mail.rules import MailState
from tests.mail.conftest import Desk
from tests.support.databases import FakeClock

pytestmark = pytest.mark.both_engines

State = Callable[[], MailState]
Dispatch = Callable[[], None]


@pytest.fixture
def state(app: Flask) -> State:
    """What a page is told."""

    def ask() -> MailState:
        with app.app_context():
            return mail_state()

    return ask


def test_mail_that_goes_is_ok(state: State, dispatch: Dispatch, context: AppContext) -> None:
    woken: list[str] = []
    context.wake = woken.append
    assert state() is MailState.OK
    assert woken == [health.MAIL_SERVER]  # a dispatcher looks at once
    dispatch()
    assert state() is MailState.OK


def test_a_mail_server_that_is_away_is_told_until_it_is_back(
    state: State, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    mail.away = True
    state()
    dispatch()
    assert state() is MailState.DELAYED
    now.forward(seconds=10)
    assert state() is MailState.DELAYED
    mail.away = False
    dispatch()
    assert state() is MailState.OK


def test_what_was_seen_long_ago_is_not_believed(
    state: State, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    mail.away = True
    state()
    dispatch()
    mail.away = False
    now.forward(minutes=10)
    assert state() is MailState.OK


def test_a_letter_that_is_stuck_tells_nothing_of_its_mailbox(
    state: State, desk: Desk, mail: RecordingChannel, now: FakeClock, dispatch: Dispatch
) -> None:
    """Nobody has asked, so that a letter (which only who has an account is sent) has failed changes nothing."""
    desk.post()
    mail.away = True
    dispatch()
    assert desk.statuses() == ["queued"]
    now.forward(seconds=10)
    assert state() is MailState.OK
    dispatch()
    assert state() is MailState.DELAYED


def test_of_two_dispatchers_one_looks_and_not_more_often_than_it_may(app: Flask, state: State, now: FakeClock) -> None:
    with app.app_context():
        assert not health.take_look()  # nobody has asked
    state()
    with app.app_context():
        assert [health.take_look(), health.take_look()] == [True, False]
    now.forward(seconds=1)
    state()
    with app.app_context():
        assert not health.take_look()
    now.forward(seconds=3)
    state()
    with app.app_context():
        assert [health.take_look(), health.take_look()] == [True, False]


def test_without_a_mail_server_a_page_can_say_so(make_app: Callable[..., Flask], now: FakeClock) -> None:
    with make_app(channels={}).app_context():
        assert mail_state() is MailState.NOT_CONFIGURED
