"""«Мой профиль»: who one is, a new password, the forced change of a given one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.models import Account
from pushhub.accounts.sessions.sign_in import check_present
from tests.cabinet.browser import Browser
from tests.cabinet.owners import (
    HOME,
    NEW_PASSWORD,
    PASSWORD,
    PORTAL,
    SCHOOL,
    Owner,
    change_own_password,
    enter,
    has_account,
    stored,
)
from tests.support.databases import FakeClock


def test_the_profile_shows_who_one_is_and_no_number_in_full(at_school: Browser) -> None:
    at_school.open(f"{SCHOOL}profile")
    for words in ("Ахметова", "Айгерим", "женский", "12 апреля 1991", "+770****6868", "Сменить пароль"):
        assert words in at_school.text
    for secret in (FAMILY.iin, FAMILY.number, FAMILY.number[2:]):
        assert secret not in at_school.text


def test_the_profile_names_what_was_registered_as_the_form_did(office: Browser) -> None:
    office.open(f"{HOME}profile")
    for words in ("ФИО", "Айгерим", "№ договора", "4445/10", "of****@example.kz"):
        assert words in office.text
    assert "office@example.kz" not in office.text


@pytest.mark.both_engines
def test_a_new_password_ends_the_other_sessions_and_not_this_one(office: Browser, another_browser: Browser) -> None:
    enter(another_browser, "4445")
    change_own_password(office)
    assert office.path == f"{HOME}profile"
    assert "Пароль изменён. Все остальные сеансы завершены." in office.text
    another_browser.open(f"{HOME}feed")
    assert "Вы не вошли" in another_browser.text
    enter(another_browser, "4445", PASSWORD)
    assert "Неверны данные для входа или пароль" in another_browser.text
    enter(another_browser, "4445", NEW_PASSWORD)
    assert another_browser.path == f"{HOME}feed"


def test_a_new_password_that_is_sent_twice_is_changed_once(browser: Browser, owner: Account, now: FakeClock) -> None:
    now.forward(minutes=5)
    enter(browser, "4445")
    for _ in range(2):
        change_own_password(browser)
        assert "Пароль изменён. Все остальные сеансы завершены." in browser.text
    browser.open(f"{HOME}feed")
    assert browser.text.count('data-kind="password_changed"') == 1


@pytest.mark.parametrize(
    ("present", "password", "repeat", "says"),
    [
        ("", NEW_PASSWORD, NEW_PASSWORD, "Введите ваш текущий пароль"),
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, "Это не ваш текущий пароль"),
        (PASSWORD, PASSWORD, PASSWORD, "Придумайте другой"),
        (PASSWORD, "short", "short", "Пароль не соответствует"),
        (PASSWORD, NEW_PASSWORD, "other", "Пароли не совпадают"),
        (PASSWORD, "", "", "Придумайте пароль"),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said_and_changes_nothing(
    office: Browser, owner: Account, app: Flask, present: str, password: str, repeat: str, says: str
) -> None:
    office.open(f"{HOME}profile/password")
    assert office.send(present=present, password=password, repeat=repeat).status_code == 422
    assert says in office.text
    for typed in (PASSWORD, NEW_PASSWORD):
        assert typed not in office.text
    assert stored(app, owner).password_hash == owner.password_hash


def test_wrong_present_passwords_are_counted_and_end_the_session(office: Browser, now: FakeClock) -> None:
    office.open(f"{HOME}profile/password")
    wrong = {"present": "not it", "password": NEW_PASSWORD, "repeat": NEW_PASSWORD}
    for _ in range(4):
        assert office.send(**wrong).status_code == 422
    assert 'id="wait"' not in office.text
    office.send(**wrong)
    assert 'id="wait"' in office.text
    assert office.send(present=PASSWORD, password=NEW_PASSWORD, repeat=NEW_PASSWORD).status_code == 429
    assert "Слишком много неверных паролей" in office.text
    for _ in range(5):
        now.forward(minutes=20)
        office.send(**wrong)
    assert office.path == HOME
    assert "слишком много неверных паролей" in office.text
    office.open(f"{HOME}feed")
    assert "Вы не вошли" in office.text


@pytest.mark.both_engines
def test_guesses_at_the_same_time_are_all_counted(app: Flask, owner: Account) -> None:
    def guess(_: int) -> str:
        with app.app_context():
            return type(check_present(owner, "not it")).__name__

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(16)))
    assert (found.count("Wrong"), found.count("Wait")) == (5, 11)


@pytest.mark.both_engines
def test_the_last_passwords_and_their_like_are_refused_where_the_profile_says_so(app: Flask, browser: Browser) -> None:
    has_account(app, "portal", "Kitap#2026kz", email="aigerim@example.kz")
    enter(browser, "aigerim@example.kz", "Kitap#2026kz", PORTAL)
    browser.open(f"{PORTAL}profile/password")
    assert browser.send(present="Kitap#2026kz", password="Kitap#2027kz", repeat="Kitap#2027kz").status_code == 422
    assert "слишком похож" in browser.text
    browser.send(present="Kitap#2026kz", password="Dombyra!55tau", repeat="Dombyra!55tau")
    assert "Пароль изменён" in browser.text


def test_a_given_password_is_changed_before_anything_else(app: Flask, browser: Browser) -> None:
    given = Owner().registered(app, must_change_password=True)
    enter(browser, "4445")
    assert browser.path == f"{HOME}profile/password"
    assert "Ваш пароль был вам выдан" in browser.text
    for path in ("feed", "profile", "users", "users/new", "sessions", "feed/qr.svg"):
        browser.open(f"{HOME}{path}")
        assert browser.path == f"{HOME}profile/password"
    browser.send(f"{HOME}sessions", session="others")
    assert browser.path == f"{HOME}profile/password"
    assert browser.send(present=PASSWORD, password=PASSWORD, repeat=PASSWORD).status_code == 422
    assert stored(app, given).must_change_password
    browser.send(present=PASSWORD, password=NEW_PASSWORD, repeat=NEW_PASSWORD)
    assert browser.path == f"{HOME}feed"
    assert not stored(app, given).must_change_password
    browser.open(f"{HOME}users")
    assert browser.path == f"{HOME}users"


def test_a_given_password_does_not_keep_anybody_from_signing_out(app: Flask, browser: Browser) -> None:
    Owner().registered(app, must_change_password=True)
    enter(browser, "4445")
    browser.send(f"{HOME}sign-out")
    assert "Вы вышли" in browser.text
