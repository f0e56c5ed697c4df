"""The table of the channels agrees with the settings, with what is built from them, and with the texts."""

from __future__ import annotations

from dataclasses import fields

import pytest
from flask import Flask
from flask_babel import Babel

from pushhub.channels.channel_table import CHANNEL_OF_KIND, CHANNELS, PAID, READABLE, Receiver, receiver_of
from pushhub.channels.contract import PushKind
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.settings import Settings
from pushhub.products.route import PLACES, PUSH, read_route, require_configured, way_without_app
from pushhub.translations.message_texts import CODE_BY
from tests.support.sources import ROOT
from web_api.panels.words import panel_texts


def test_what_needs_no_device_can_stand_in_a_route_and_is_read_by_whoever_gets_it() -> None:
    assert PLACES == ("push", "sms", "email")
    assert set(PLACES) - {PUSH} == READABLE
    assert sorted(PAID) == ["sms"]
    assert [receiver_of(name) for name in ("sms", "email", "fcm", "push", "recording")] == [
        *(Receiver.NUMBER, Receiver.MAILBOX),
        *[Receiver.DEVICE] * 3,
    ]


def test_every_push_target_has_one_channel() -> None:
    assert set(CHANNEL_OF_KIND) == set(PushKind)
    assert len(CHANNEL_OF_KIND) == sum(len(row.kinds) for row in CHANNELS.values())


def test_every_setting_of_the_table_is_one() -> None:
    named = {row.setting for row in CHANNELS.values()} - {None}
    assert named <= {entry.name for entry in fields(Settings)}


@pytest.mark.parametrize(
    ("route", "says"),
    [
        (("push:20", "sms"), "sms, which is not configured. Set PUSHHUB_SMS_URL first."),
        (("push:20", "email"), "email, which is not configured. Set PUSHHUB_SMTP_URL and PUSHHUB_MAIL_FROM first."),
    ],
)
def test_a_route_says_what_a_channel_that_is_not_there_needs(route: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        require_configured(read_route(route), {"fcm", "poll"})


@pytest.mark.parametrize(
    ("route", "way"), [(("push",), None), (("push:20", "email"), None), (("email:20", "sms"), "sms")]
)
def test_only_what_goes_to_the_number_itself_needs_no_app(route: tuple[str, ...], way: str | None) -> None:
    assert way_without_app(read_route(route)) == way


def test_everything_says_by_which_channel_a_code_went() -> None:
    assert set(CODE_BY) == READABLE
    app = Flask(__name__)
    Babel(app)
    with app.app_context():
        panel = panel_texts()
    cabinet = (ROOT / "web_api/cabinet/templates/cabinet/parts.html").read_text()
    for name in READABLE:
        assert f"sent.{name}" in panel
        assert f'stage.place == "{name}"' in cabinet
        assert receiver_of(name) is not Receiver.NUMBER or f"lead.{name}" in panel
