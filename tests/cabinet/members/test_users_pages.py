"""«Пользователи» as pages: adding, confirming, editing and removing a user. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.models import Account, AccountEvent, AccountSession
from pushhub.cabinets.loader import read_profile
from pushhub.channels.recording import RecordingChannel
from pushhub.kernel.db import reading
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.mail.models import Letter
from tests.cabinet.browser import Browser
from tests.cabinet.owners import (
    HOME,
    NEW_PASSWORD,
    PASSWORD,
    Owner,
    add_user,
    change_user,
    comes_in,
    confirm,
    enter,
    key_of,
    letters,
    link_in,
    only_the_second_link_works,
    open_user,
    password_in,
)
from tests.support.databases import FakeClock
from tests.support.rows import everything_stored, how_many

RULE = read_profile("kaztranscom").password


def statuses(app: Flask) -> list[str]:
    """What has become of the letters."""
    with app.app_context(), reading() as session:
        return list(session.scalars(sa.select(Letter.status)))


@pytest.mark.both_engines
def test_a_user_is_added_confirms_and_signs_in_with_a_password_to_be_changed(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz", name="Анна", surname="Ким", position="бухгалтер")
    assert "Пользователь добавлен" in office.text
    for words in ("anna@example.kz", "Анна", "Ким", "бухгалтер", "ждёт подтверждения"):
        assert words in office.text
    (letter,) = letters(app)
    assert letter.to == "anna@example.kz"
    assert NEW_PASSWORD not in letter.text

    enter(another_browser, "anna@example.kz", NEW_PASSWORD)
    assert "Неверны данные для входа или пароль" in another_browser.text
    another_browser.open(link_in(letter))
    another_browser.open(link_in(letter))  # mail scanners open links too
    assert "an****@example.kz" in another_browser.text
    another_browser.send()
    assert "Адрес подтверждён" in another_browser.text
    assert another_browser.open(link_in(letter)).status_code == 410
    assert "уже использована" in another_browser.text

    enter(another_browser, "anna@example.kz", NEW_PASSWORD)
    assert another_browser.path == f"{HOME}profile/password"
    another_browser.send(present=NEW_PASSWORD, password="Another2027word", repeat="Another2027word")
    assert another_browser.path == f"{HOME}feed"
    another_browser.open(f"{HOME}profile")
    assert "Пользователи" not in another_browser.text
    assert another_browser.open(f"{HOME}users").status_code == 404
    office.open(f"{HOME}users")
    assert "подтверждён" in office.text
    office.open(f"{HOME}feed")
    for words in ("Пользователь добавлен: an****@example.kz", "Пользователь подтвердил адрес"):
        assert words in office.text


def test_a_password_that_is_made_goes_by_letter_and_is_shown_nowhere(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz", by="made")
    (letter,) = letters(app)
    password = password_in(letter)
    assert RULE.unmet(password) == ()
    assert password not in office.text
    confirm(app, another_browser, "anna@example.kz")
    enter(another_browser, "anna@example.kz", password)
    assert another_browser.path == f"{HOME}profile/password"
    assert not any(password in row or "anna@example.kz" in row for row in everything_stored(app))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"email": ""}, "Введите e-mail."),
        ({"email": "anna@"}, "Это не адрес e-mail"),
        ({"email": "office@example.kz"}, "уже есть пользователь с таким адресом"),
        ({"password": "short", "repeat": "short"}, "Пароль не соответствует"),
        ({"repeat": "Other2027word"}, "Пароли не совпадают"),
        ({"password_by": "magic"}, "Выберите один из вариантов"),
        ({"name": "я" * 101}, "Не более 100 символов"),
    ],
)
def test_bad_input_is_said_under_its_field_and_what_was_typed_stays(
    app: Flask, office: Browser, typed: dict[str, str], says: str
) -> None:
    office.open(f"{HOME}users/new")
    fields = {"new": office.hidden("new"), "email": "anna@example.kz", "password_by": "hand", "position": "бухгалтер"}
    assert office.send(**{**fields, "password": NEW_PASSWORD, "repeat": NEW_PASSWORD, **typed}).status_code == 422
    assert says in office.text
    assert "бухгалтер" in office.text
    assert NEW_PASSWORD not in office.text
    assert letters(app) == []


@pytest.mark.both_engines
def test_a_forged_or_foreign_key_is_no_page(
    app: Flask, owner: Account, office: Browser, another_browser: Browser
) -> None:
    stranger = Owner("5120", "КТС-КТС-14", "other@example.kz").registered(app)
    enter(another_browser, "5120")
    add_user(another_browser, "theirs@example.kz")
    theirs = key_of(another_browser, "theirs@example.kz")
    keys = [public_id(Prefix.ACCOUNT, key) for key in (stranger.id, owner.id, new_key())]
    for key in [theirs, *keys, "acc_1", "usr_00000000000000000000000000", "%00"]:
        for path in (f"{HOME}users/{key}", f"{HOME}users/{key}/remove"):
            assert office.open(path).status_code == 404
        office.open(f"{HOME}users")
        assert office.send(f"{HOME}users/{key}/remove").status_code == 404
        office.open(f"{HOME}users")
        assert office.send(f"{HOME}users/{key}", email="x@example.kz", password_by="keep").status_code == 404
    assert key_of(another_browser, "theirs@example.kz") == theirs


def test_another_address_or_password_ends_the_users_sessions(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz")
    comes_in(app, another_browser, "anna@example.kz")

    change_user(office, "anna@example.kz", password_by="made", position="директор")
    assert "Изменения сохранены" in office.text
    another_browser.open(f"{HOME}feed")
    assert "Вы не вошли" in another_browser.text
    made = password_in(letters(app)[-1])
    enter(another_browser, "anna@example.kz", made)
    assert another_browser.path == f"{HOME}profile/password"

    change_user(office, "anna@example.kz", email="kim@example.kz", position="директор")
    another_browser.open(f"{HOME}feed")
    assert "Вы не вошли" in another_browser.text
    for name in ("anna@example.kz", "kim@example.kz"):
        enter(another_browser, name, made)
        assert "Неверны данные для входа или пароль" in another_browser.text
    confirm(app, another_browser, "kim@example.kz")
    enter(another_browser, "kim@example.kz", made)
    assert another_browser.path == f"{HOME}profile/password"


def test_a_link_to_an_address_that_was_corrected_does_nothing(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "ana@example.kz")
    change_user(office, "ana@example.kz", email="anna@example.kz")
    only_the_second_link_works(app, another_browser)


def test_the_letter_goes_again_and_the_link_before_ends(app: Flask, office: Browser, another_browser: Browser) -> None:
    add_user(office, "anna@example.kz")
    open_user(office, "anna@example.kz")
    office.send(step="letter")
    assert "Письмо отправлено ещё раз" in office.text
    only_the_second_link_works(app, another_browser)
    open_user(office, "anna@example.kz")
    assert 'value="letter"' not in office.text
    office.send(step="letter")
    assert "Адрес уже подтверждён" in office.text
    assert len(letters(app)) == 2


@pytest.mark.parametrize("how", ["once more", "to a corrected address"])
def test_a_further_letter_says_what_holds_of_the_password(app: Flask, office: Browser, how: str) -> None:
    add_user(office, "anna@example.kz", by="made")
    if how == "once more":
        open_user(office, "anna@example.kz")
        office.send(step="letter")
    else:
        change_user(office, "anna@example.kz", email="anna.new@example.kz")
    first, second = letters(app)
    assert password_in(first) not in second.text
    assert "Пароль вам сообщит" not in second.text
    assert "Пароль остаётся прежним. Если его у вас нет, выберите «Забыли пароль?»" in second.text


def test_a_password_that_was_typed_is_told_by_whoever_typed_it(app: Flask, office: Browser) -> None:
    add_user(office, "anna@example.kz")
    password = {"password": "Jupar2028kz", "repeat": "Jupar2028kz"}
    change_user(office, "anna@example.kz", email="anna.new@example.kz", password_by="hand", **password)
    assert ["Пароль вам сообщит" in letter.text for letter in letters(app)] == [True, True]


def test_a_form_that_was_sent_already_adds_the_next_user_too(app: Flask, office: Browser) -> None:
    office.open(f"{HOME}users/new")
    form = office.hidden("new")
    password = {"password_by": "hand", "password": NEW_PASSWORD, "repeat": NEW_PASSWORD}
    for name in ("anna", "anna", "boris"):  # a double click; then back to the form, and another person
        office.send(f"{HOME}users/new", new=form, email=f"{name}@example.kz", **password)
        assert "Пользователь добавлен" in office.text
        assert f"{name}@example.kz" in office.text
    assert [letter.to for letter in letters(app)] == ["anna@example.kz", "boris@example.kz"]


def test_a_link_ends_after_three_days(app: Flask, office: Browser, another_browser: Browser, now: FakeClock) -> None:
    add_user(office, "anna@example.kz")
    (letter,) = letters(app)
    now.forward(days=2, hours=23)
    assert another_browser.open(link_in(letter)).status_code == 200
    now.forward(hours=2)
    assert another_browser.send().status_code == 410
    assert another_browser.open(link_in(letter)[:-3]).status_code == 404


def test_an_address_that_another_cabinet_has_is_told_to_its_owner_alone(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    Owner("5120", "КТС-КТС-14", "other@example.kz").registered(app)
    add_user(office, "other@example.kz")
    assert "Пользователь добавлен" in office.text
    another_browser.open(f"{link_in(letters(app)[0])}?lang=ru")
    assert another_browser.send().status_code == 409
    assert "С этим адресом уже кто-то входит" in another_browser.text
    enter(another_browser, "other@example.kz")
    assert another_browser.path == f"{HOME}feed"


@pytest.mark.both_engines
def test_whom_somebody_has_added_is_removed_with_all_sessions(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz", may_add_users="yes")
    comes_in(app, another_browser, "anna@example.kz")
    another_browser.send(present=NEW_PASSWORD, password=PASSWORD, repeat=PASSWORD)
    add_user(another_browser, "boris@example.kz")
    key = key_of(office, "anna@example.kz")
    office.open(f"{HOME}users/{key}/remove")
    assert "Удалить пользователя anna@example.kz?" in office.text
    office.send()
    assert "Пользователь удалён" in office.text
    assert "boris@example.kz" in office.text
    another_browser.open(f"{HOME}users")
    assert "Вы не вошли" in another_browser.text
    enter(another_browser, "anna@example.kz", PASSWORD)
    assert "Неверны данные для входа или пароль" in another_browser.text
    assert how_many(app, AccountSession) == 1


def test_two_windows_that_change_one_user(office: Browser) -> None:
    add_user(office, "anna@example.kz")
    open_user(office, "anna@example.kz")
    seen = office.hidden("seen")
    office.send(seen=seen, email="anna@example.kz", password_by="keep", position="бухгалтер")
    open_user(office, "anna@example.kz")
    assert office.send(seen=seen, email="anna@example.kz", password_by="keep", position="директор").status_code == 409
    assert "за это время изменил кто-то другой" in office.text
    assert "бухгалтер" in office.text
    assert "директор" not in office.text


def test_changes_that_are_sent_twice_are_made_once(app: Flask, office: Browser, now: FakeClock) -> None:
    add_user(office, "anna@example.kz")
    now.forward(minutes=5)
    open_user(office, "anna@example.kz")
    changes = {"seen": office.hidden("seen"), "email": "anna@example.kz", "password_by": "made", "position": "директор"}
    for _ in range(2):
        open_user(office, "anna@example.kz")
        office.send(**changes)
        assert "Изменения сохранены" in office.text
    assert len(letters(app)) == 2  # that of the adding, and one with the password


def test_while_the_mail_server_is_down_the_page_says_so_and_the_letter_goes_later_and_once(
    app: Flask, office: Browser, mail: RecordingChannel, now: FakeClock, dispatch: Callable[[], None]
) -> None:
    mail.away = True
    office.open(f"{HOME}users/new")
    dispatch()  # looks at the mail server, because the page has asked
    add_user(office, "anna@example.kz")
    assert "Письмо уйдёт, как только он ответит" in office.text
    dispatch()
    assert statuses(app) == ["queued"]
    mail.away = False
    now.forward(minutes=3)
    dispatch()
    office.open(f"{HOME}users")
    assert "Письмо уйдёт" not in office.text
    now.forward(minutes=3)
    dispatch()
    assert statuses(app) == ["sent"]


def test_a_cabinet_without_users_has_no_such_page(app: Flask, office: Browser) -> None:
    with app.app_context():
        kept = app.extensions["pushhub.cabinets"]
        kept["kaztranscom"] = replace(kept["kaztranscom"], profile=replace(kept["kaztranscom"].profile, users=None))
    assert office.open(f"{HOME}users").status_code == 404
    office.open(f"{HOME}feed")
    assert "Пользователи" not in office.text


def test_events_name_nobody_in_full(app: Flask, office: Browser) -> None:
    add_user(office, "anna.petrova@example.kz")
    with app.app_context(), reading() as session:
        written = [str(data) for data in session.scalars(sa.select(AccountEvent.data))]
    assert any("an****@example.kz" in text for text in written)
    assert not any("anna.petrova" in text for text in written)
