"""A login and an e-mail address of one's own choice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from demo.sample import FAMILY
from pushhub.accounts.models import Account
from pushhub.accounts.people import own_login_and_email
from pushhub.accounts.people.register import IdentifierTaken
from tests.cabinet.browser import Browser
from tests.cabinet.owners import HOME, PASSWORD, SCHOOL, come_in, has_account, letters, link_in
from tests.support.databases import FakeClock


def choose(browser: Browser, kind: str, text: str, present: str = PASSWORD) -> TestResponse:
    """Save a login or an address of one's own."""
    browser.open(f"{SCHOOL}profile/{kind}")
    return browser.send(**{kind: text, "present": present})


@pytest.mark.both_engines
def test_a_login_is_set_and_signed_in_with(at_school: Browser, another_browser: Browser) -> None:
    choose(at_school, "login", "Aigerim.A")
    assert "Логин сохранён" in at_school.text
    come_in(another_browser, "login", "aigerim.a")
    assert another_browser.path == f"{SCHOOL}feed"
    choose(at_school, "login", "aigerim-2")
    come_in(another_browser, "login", "aigerim-2")
    assert another_browser.path == f"{SCHOOL}feed"
    at_school.open(f"{SCHOOL}feed")
    assert "Задан логин: ai****" in at_school.text
    at_school.send(f"{SCHOOL}sign-out")
    come_in(at_school, "login", "aigerim.a")
    assert "Неверны данные для входа или пароль" in at_school.text


@pytest.mark.parametrize(
    ("login", "present", "says"),
    [
        ("x", PASSWORD, "Введите логин"),
        ("two words", PASSWORD, "Введите логин"),
        ("12345", PASSWORD, "хотя бы одна буква"),
        (FAMILY.other_parent, PASSWORD, "хотя бы одна буква"),
        ("taken", PASSWORD, "уже есть у другого человека"),
        ("good", "wrong", "Это не ваш текущий пароль"),
        ("good", "", "Введите ваш текущий пароль"),
    ],
)
def test_what_is_wrong_with_a_login_is_said_under_its_field(
    app: Flask, at_school: Browser, parent: Account, login: str, present: str, says: str
) -> None:
    has_account(app, "balabaqsha", login="Taken")
    assert choose(at_school, "login", login, present).status_code == 422
    assert says in at_school.text
    assert PASSWORD not in at_school.text
    with app.app_context():
        assert set(own_login_and_email.identifiers_of(parent.id)) == {"iin", "number"}


@pytest.mark.both_engines
def test_of_two_who_want_one_login_at_once_one_gets_it(app: Flask, parent: Account) -> None:
    accounts = [has_account(app, "balabaqsha", login=f"first{place}") for place in range(4)]

    def want(account: Account) -> bool:
        with app.app_context():
            try:
                own_login_and_email.set_login(account, "wanted")
            except IdentifierTaken:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(want, accounts)) == 1


@pytest.mark.both_engines
def test_an_address_counts_once_its_link_was_used(app: Flask, at_school: Browser, another_browser: Browser) -> None:
    choose(at_school, "email", "aigerim@example.kz")
    assert "На адрес отправлено письмо" in at_school.text
    come_in(another_browser, "email", "aigerim@example.kz")
    assert "Неверны данные для входа или пароль" in another_browser.text
    (letter,) = letters(app)
    assert letter.to == "aigerim@example.kz"
    another_browser.open(f"{link_in(letter)}?lang=ru")
    another_browser.send()
    assert "Адрес подтверждён" in another_browser.text
    come_in(another_browser, "email", "aigerim@example.kz")
    assert another_browser.path == f"{SCHOOL}feed"
    assert "Адрес e-mail подтверждён: ai****@example.kz" in another_browser.text

    choose(at_school, "email", "new@example.kz")
    another_browser.open(link_in(letters(app)[-1]))
    another_browser.send()
    told = letters(app)[-1]
    assert told.to == "aigerim@example.kz"
    assert "ne****@example.kz" in told.text
    come_in(Browser(app), "email", "new@example.kz")
    stranger = Browser(app)
    come_in(stranger, "email", "aigerim@example.kz")
    assert "Неверны данные для входа или пароль" in stranger.text


def test_whoever_is_signed_in_sees_the_new_address_in_the_profile(app: Flask, at_school: Browser) -> None:
    choose(at_school, "email", "aigerim@example.kz")
    at_school.open(link_in(letters(app)[0]))
    at_school.send()
    assert at_school.path == f"{SCHOOL}profile"
    assert "Адрес подтверждён" in at_school.text
    assert "ai****@example.kz" in at_school.text


def test_of_two_links_the_newest_counts_and_it_ends_after_an_hour(
    app: Flask, at_school: Browser, another_browser: Browser, parent: Account, now: FakeClock
) -> None:
    for address in ("first@example.kz", "second@example.kz"):
        choose(at_school, "email", address)
    first, second = letters(app)
    assert another_browser.open(link_in(first)).status_code == 410
    assert another_browser.open(link_in(second)).status_code == 200
    now.forward(minutes=61)
    assert another_browser.send().status_code == 410
    with app.app_context():
        assert "email" not in own_login_and_email.identifiers_of(parent.id)


def test_whether_an_address_is_known_is_told_to_its_owner_alone(
    app: Flask, at_school: Browser, another_browser: Browser
) -> None:
    has_account(app, "balabaqsha", email="known@example.kz")
    choose(at_school, "email", "known@example.kz")
    assert "На адрес отправлено письмо" in at_school.text
    another_browser.open(f"{link_in(letters(app)[-1])}?lang=ru")
    assert another_browser.send().status_code == 409
    assert "С этим адресом уже кто-то входит" in another_browser.text


def test_a_link_of_another_cabinet_is_none(app: Flask, at_school: Browser, another_browser: Browser) -> None:
    choose(at_school, "email", "aigerim@example.kz")
    elsewhere = link_in(letters(app)[0]).replace("balabaqsha", "portal")
    assert another_browser.open(elsewhere).status_code == 404


def test_what_the_profile_does_not_let_people_set_is_no_page(office: Browser) -> None:
    for kind in ("login", "email", "iin", "number"):
        assert office.open(f"{HOME}profile/{kind}").status_code == 404
    office.open(f"{HOME}profile")
    assert office.send(f"{HOME}profile/email", email="x@example.kz", present=PASSWORD).status_code == 404
