"""A changed password is told by e-mail, too, however it was changed."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.letters.recovery import RecoveryLetter, send_link
from pushhub.accounts.models import Account, AccountIdentifier
from pushhub.accounts.people import register
from pushhub.accounts.people.own_login_and_email import set_login
from pushhub.accounts.people.password_change import change_password, was_just_set
from pushhub.accounts.people.users import users_below
from pushhub.accounts.sign_in_identifiers import by_email, by_login
from pushhub.binding.offers import create_offer
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.context import AppContext
from pushhub.identity.email import Email
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import reading, transaction
from pushhub.mail.content import Content
from tests.cabinet.browser import Browser
from tests.cabinet.owners import (
    HOME,
    NEW_PASSWORD,
    PASSWORD,
    a_sender,
    add_user,
    change_own_password,
    change_user,
    confirm,
    has_account,
    letters,
    link_in,
)
from tests.support.actors import NUMBER, Phone
from tests.support.databases import FakeClock

PORTAL = "/cabinet/portal/"
ADDRESS = "aigerim.k@example.kz"
OLD, NEW = "Balapan#2026", "Qyran!Tau88"
CABINETS = ("kaztranscom", "portal", "indigo")
TITLE = "KazTransCom: ваш пароль изменён"


@pytest.fixture
def app(app: Flask) -> Flask:
    """Cabinets whose people have an address, one of them also a number."""
    has_account(app, "portal", OLD, email=ADDRESS, number=NUMBER)
    return app


@pytest.fixture
def owner(owner: Account, now: FakeClock) -> Account:
    now.forward(minutes=5)
    return owner


def told(app: Flask) -> list[Content]:
    """The letters that tell of a changed password."""
    titles = ("пароль изменён", "құпия сөзіңіз өзгертілді", "your password was changed")
    return [letter for letter in letters(app) if any(title in letter.subject for title in titles)]


def test_the_profile_tells_when_and_what_to_do_and_no_secret(app: Flask, office: Browser, now: FakeClock) -> None:
    change_own_password(office)
    assert "Пароль изменён" in office.text
    [letter] = told(app)
    assert (letter.to, letter.subject) == ("office@example.kz", TITLE)
    zone = read_profile("kaztranscom").clock.zone
    local = now().astimezone(zone)
    city = read_profile("kaztranscom").clock.city.ru
    assert f"Время: {local:%Y.%m.%d %H:%M} ({city}, UTC+5)" in letter.text
    assert re.findall(r"https?://\S+", letter.text) == ["https://codes.test/cabinet/kaztranscom/recovery"]
    assert letter.html is not None
    assert "Задать новый пароль" in letter.html
    for part in (letter.text, letter.html):
        for secret in (PASSWORD, NEW_PASSWORD, "4445", "phl_"):
            assert secret not in part
    office.open("/cabinet/kaztranscom/recovery")
    assert 'name="email"' in office.text


@pytest.mark.parametrize(
    ("language", "title"),
    [("kk", "KazTransCom: құпия сөзіңіз өзгертілді"), ("en", "KazTransCom: your password was changed")],
)
def test_the_letter_is_in_the_language_of_the_page(app: Flask, office: Browser, language: str, title: str) -> None:
    office.open(f"{HOME}feed?lang={language}")
    change_own_password(office)
    [letter] = told(app)
    assert letter.subject == title
    assert f'<html lang="{language}">' in (letter.html or "")


def test_what_was_refused_or_sent_twice_is_told_never_or_once(app: Flask, office: Browser) -> None:
    change_own_password(office, present="wrong")
    change_own_password(office, password="short")
    assert told(app) == []
    change_own_password(office)
    change_own_password(office)
    assert len(told(app)) == 1


def test_a_link_from_a_letter_is_told_to_the_same_mailbox(app: Flask, browser: Browser) -> None:
    browser.open(f"{PORTAL}recovery?by=email&lang=ru")
    browser.send(f"{PORTAL}recovery", by="email", email=ADDRESS)
    [letter] = letters(app)
    assert re.search(r"в течение 30 мин\., до \d\d:\d\d \([^,]+, UTC\+5\):", letter.text)
    browser.open(link_in(letter, "link"))
    browser.send(password="weak", repeat="weak")
    assert told(app) == []
    browser.send(password=NEW, repeat=NEW)
    assert "Пароль обновлён" in browser.text
    assert [(each.to, each.subject) for each in told(app)] == [(ADDRESS, "MALAHIT: ваш пароль изменён")]


def test_a_code_to_the_phone_is_told_to_the_mailbox(app: Flask, browser: Browser, phone: Phone) -> None:
    with app.app_context():
        shown = create_offer(caller_of(read_profile("portal")), PhoneNumber.parse(NUMBER))
    phone.bind(number=NUMBER, password=shown.password)
    browser.open(f"{PORTAL}recovery?by=code&lang=ru")
    browser.send(f"{PORTAL}recovery", by="code", number=NUMBER)
    browser.send(step="check", code=phone.read_code())
    assert told(app) == []
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert [each.to for each in told(app)] == [ADDRESS]


def test_a_cabinet_that_is_registered_anew_is_told_to_the_mailbox_on_file(app: Flask) -> None:
    with app.app_context():
        product_id = caller_of(read_profile("portal")).product_id
        person, number = by_email(Email.parse(ADDRESS)), PhoneNumber.parse("+77759876543")
        sender = a_sender(product_id, "MALAHIT")
        other = Email.parse("thief@example.kz")
        register.register(product_id, person, number, NEW, email=other, sender=sender)
        # Whoever is new has had no password before.
        newcomer = by_email(Email.parse("new@example.kz"))
        register.register(product_id, newcomer, None, NEW, email=Email.parse("new@example.kz"), sender=sender)
    assert [each.to for each in told(app)] == [ADDRESS]


def test_a_password_that_the_owner_of_a_cabinet_gives_is_told_where_no_letter_brings_it(
    app: Flask, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz")

    def give(**how: str) -> None:
        change_user(office, "anna@example.kz", **how)
        assert "Изменения сохранены" in office.text

    by_hand = {"password_by": "hand", "password": "Kunshuaq2028", "repeat": "Kunshuaq2028"}
    give(**by_hand)
    assert told(app) == []  # nobody knows yet whose address that is
    confirm(app, another_browser, "anna@example.kz")
    give(password_by="made")
    assert told(app) == []  # the letter with the password says it
    give(**by_hand)
    assert [each.to for each in told(app)] == ["anna@example.kz"]


def test_without_a_mail_server_no_letter_lies_about(app: Flask, office: Browser, context: AppContext) -> None:
    context.channels = {name: channel for name, channel in context.channels.items() if name != "email"}
    change_own_password(office)
    assert "Пароль изменён" in office.text
    assert letters(app) == []


def test_where_only_the_sign_in_leads_to_a_recovery_the_letter_leads_there(app: Flask) -> None:
    from web_api.cabinet.letters import sender

    for path, leads in (("indigo/", "/cabinet/indigo/"), ("portal/", "/cabinet/portal/recovery")):
        with app.test_request_context(f"/cabinet/{path}", base_url="https://codes.test"):
            app.preprocess_request()
            assert sender().recovery == f"https://codes.test{leads}"


# Whose mailbox it is


def test_the_letter_says_which_account_it_is_about(app: Flask, office: Browser) -> None:
    change_own_password(office)
    [letter] = told(app)
    assert "Данные для входа: 44****, of****@example.kz" in letter.text, letter.text


def test_the_letter_names_everything_that_opens_the_account(app: Flask, owner: Account, office: Browser) -> None:
    """Two windows that set a login at the same moment may leave both of them."""
    with app.app_context(), transaction() as session:
        second = asdict(by_login("anara"))
        session.add(AccountIdentifier(product_id=owner.product_id, account_id=owner.id, **second))
    change_own_password(office)
    [letter] = told(app)
    assert "Данные для входа: 44****, an****, of****@example.kz" in letter.text, letter.text


@pytest.mark.both_engines
def test_a_mailbox_is_told_five_times_an_hour_and_the_change_is_never_refused(
    app: Flask, owner: Account, now: FakeClock
) -> None:
    rule = read_profile("kaztranscom").password
    with app.app_context():
        for count in range(8):
            now.forward(minutes=1)
            change_password(owner.id, f"Changed{count}Word26", rule, sender=a_sender(owner.product_id))
    assert len(told(app)) == 5
    now.forward(minutes=60)
    with app.app_context():
        change_password(owner.id, "Changed9Word26", rule, sender=a_sender(owner.product_id))
    assert len(told(app)) == 6


def test_an_address_that_nobody_has_confirmed_gets_neither_news_nor_a_way_in(
    app: Flask, owner: Account, office: Browser
) -> None:
    add_user(office, "typo@stranger.kz")
    with app.app_context():
        [user] = users_below(owner.id)
        with reading() as session:
            account = session.get_one(Account, user.id)
        set_login(account, "anna.k")
        sender = a_sender(owner.product_id)
        change_password(account.id, "Changed1Word26", read_profile("kaztranscom").password, sender=sender)
        letter = RecoveryLetter(sender, 30, lambda secret: f"https://x/{secret}")
        send_link(letter, Email.parse("typo@stranger.kz"), by_login("anna.k"), address=None)
    assert [each.subject for each in letters(app)] == ["KazTransCom: вас добавили пользователем"]


def test_an_address_that_can_not_be_read_keeps_nobody_from_a_new_password(
    app: Flask, owner: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        with transaction() as session:
            session.execute(sa.update(Account).values(email_sealed=b"gone:nothing"))
        rule = read_profile("kaztranscom").password
        change_password(owner.id, "Changed1Word26", rule, sender=a_sender(owner.product_id))
        assert was_just_set(owner.id, "Changed1Word26")
    assert told(app) == []
    assert "address can't be read" in caplog.text
