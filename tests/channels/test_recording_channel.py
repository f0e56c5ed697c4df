"""The channel that keeps what it is given."""

from __future__ import annotations

from datetime import timedelta

from channel_material import SECRETS, message, run

from pushhub.channels.contract import Accepted, Retry
from pushhub.channels.recording import RecordingChannel


def test_it_keeps_what_was_sent_and_accepts_under_the_messages_id() -> None:
    channel, sent = RecordingChannel("fcm"), message()
    assert run(channel.send(sent)) == Accepted(f"fcm:{sent.id}")
    assert list(channel.sent) == [sent]


def test_it_answers_from_its_script_first() -> None:
    channel = RecordingChannel()
    channel.script(Retry("UNAVAILABLE", timedelta(seconds=10)))
    outcomes = [run(channel.send(message())) for _ in range(2)]
    assert outcomes == [Retry("UNAVAILABLE", timedelta(seconds=10)), Accepted(f"recording:{message().id}")]


def test_it_forgets_the_oldest() -> None:
    channel = RecordingChannel(keep=2)
    for number in range(3):
        run(channel.send(message(collapse_id=str(number))))
    assert [sent.collapse_id for sent in channel.sent] == ["1", "2"]


def test_nothing_of_a_message_shows_in_a_repr() -> None:
    channel = RecordingChannel()
    run(channel.send(message()))
    shown = repr(channel) + repr(channel.sent) + str(message())
    assert not [secret for secret in SECRETS if secret in shown]
