"""Each reader gets the words in the language of the phone, and they always fit into a push."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pushhub.channels import apns, fcm
from pushhub.channels.contract import Message, PushKind, PushTarget
from pushhub.kernel.clock import now as the_time
from pushhub.kernel.ids import new_key
from pushhub.notifications import rules
from tests.notifications.senders import WORDS, Sender
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, Phone, Shop, assert_problem
from tests.support.dispatching import Dispatch
from tests.support.recording import Channels

TEXTS = {
    "kk": {"title": "Жиналыс", "body": "Жиналыс сағат алтыда басталады."},
    "ru": {"title": "Собрание", "body": "Собрание начинается в шесть."},
}


@pytest.mark.parametrize(
    ("locale", "words"), [("kk", TEXTS["kk"]), ("ru-KZ", TEXTS["ru"]), ("en", WORDS), ("de", TEXTS["ru"])]
)
def test_push_feed_and_opened_message_speak_the_readers_language(
    sender: Sender,
    shop: Shop,
    make_phone: MakePhone,
    dispatch: Dispatch,
    channel: Channels,
    locale: str,
    words: dict[str, str],
) -> None:
    phone = make_phone(locale=locale)
    phone.bind_to(shop)
    sender.send(NUMBER, texts=TEXTS)
    dispatch()
    (message,) = channel("fcm").sent
    (item,) = phone.feed()
    opened = phone.reveal(item["delivery_id"])
    for shown in ({"title": message.title, "body": message.body}, item, opened):
        assert (shown["title"], shown["body"]) == (words["title"], words["body"])


def test_a_phone_that_changes_its_language_changes_the_words(sender: Sender, bound: Phone) -> None:
    sender.send(NUMBER, texts=TEXTS)
    bound.update(locale="kk")
    assert bound.feed()[0]["title"] == TEXTS["kk"]["title"]
    bound.update(locale="en")
    assert bound.feed()[0]["title"] == WORDS["title"]


def test_readers_of_one_list_get_it_in_their_own_languages(sender: Sender, shop: Shop, make_phone: MakePhone) -> None:
    kazakh, english = make_phone(locale="kk"), make_phone(locale="en")
    kazakh.bind_to(shop, NUMBER)
    english.bind_to(shop, OTHER_NUMBER)
    sent = sender.send([NUMBER, OTHER_NUMBER], texts=TEXTS)
    assert [phone.feed()[0]["title"] for phone in (kazakh, english)] == [TEXTS["kk"]["title"], WORDS["title"]]
    shown = sender.show(sent)
    assert (shown["title"], shown["body"], shown["texts"]) == (WORDS["title"], WORDS["body"], TEXTS)


@pytest.mark.parametrize("locale", [None, "kk", "ru", "en"])
def test_words_that_fit_into_no_push_are_refused_whatever_their_language(sender: Sender, locale: str | None) -> None:
    long = {"title": "я" * 200, "body": "я" * 1_700}  # 3,800 bytes, and something stands around them
    sent = long if locale is None else {"texts": {locale: long}}
    problem = assert_problem(sender.post(NUMBER, **sent), 422, "notification_too_large")
    assert (problem["locale"], problem["at_most"]) == (locale, 3_800)
    assert 3_800 < problem["bytes"] < 4_000
    assert "я" not in json.dumps(problem, ensure_ascii=False)
    fits = {"title": "я" * 100, "body": "я" * 1_700}
    sender.send(NUMBER, **(fits if locale is None else {"texts": {locale: fits}}))


def filled(letter: str, data: dict[str, str]) -> tuple[str, str]:
    """Title and body of such letters, as long as they may be."""
    title, body = letter * 100, ""
    while len(body) < rules.LONGEST_BODY and (rules.payload_size(title, body + letter, data) <= rules.LONGEST_PAYLOAD):
        body += letter
    return title, body


@pytest.mark.parametrize("letter", ["a", "я", "ж", "€", "\U0001f600", "\n", '"', "\\", "\x01", "\x7f", "\u2028"])
@pytest.mark.parametrize("data", [{}, {f"name{turn}": "д" * 20 for turn in range(20)}], ids=["bare", "with data"])
def test_what_is_taken_fits_into_the_providers_4096_bytes(letter: str, data: dict[str, str]) -> None:
    assert rules.fault_of(data) is None
    title, body = filled(letter, data)
    message = Message(
        id=new_key(),
        collapse_id="ntf_" + "0" * 26,
        target=PushTarget(PushKind.FCM_TOKEN, "a-target"),
        title=title,
        body=body,
        data={**data, "delivery_id": "dlv_" + "0" * 26, "kind": "notification"},
        expires_at=the_time() + timedelta(days=7),
        urgent=False,
    )
    assert len(apns.build(message)) <= 4_096
    assert fcm.build(message)  # raises where it is too long
    assert len(body) > 300


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({}, True),
        ({"page": "meetings/7"}, True),
        ({f"n{turn}": "" for turn in range(20)}, True),
        ({f"n{turn}": "" for turn in range(21)}, False),
        ({"n": "x" * 999}, True),
        ({"n": "x" * 1_000}, False),
        ({"n": "я" * 500}, False),
        ({"": "x"}, False),
        ({"delivery_id": "x"}, False),
        ({"kind": "x"}, False),
        ({"aps": "x"}, False),
        ({"from": "x"}, False),
        ({"From": "x"}, False),
        ({"message_type": "x"}, False),
        ({"google.sent_time": "x"}, False),
        ({"gcm.notification.title": "x"}, False),
        ({"googled": "x"}, True),
    ],
)
def test_data_has_its_bounds_and_leaves_the_providers_names_alone(data: dict[str, str], fits: bool) -> None:
    assert (rules.fault_of(data) is None) is fits
