"""Who is signed in to a cabinet, with a contract or as a parent, and the letters that the cabinet writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from demo.sample import FAMILY
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.models import Account
from pushhub.accounts.people.register import NewAccount, create
from pushhub.accounts.sign_in_identifiers import by_email, by_iin, by_login, by_number
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import reading
from pushhub.mail.content import Content
from pushhub.mail.models import Letter, letter_context
from pushhub.mail.rendering import Paper
from tests.cabinet.browser import Browser

CABINETS = ("kaztranscom", "balabaqsha", "portal")
HOME = "/cabinet/kaztranscom/"
SCHOOL = "/cabinet/balabaqsha/"
PORTAL = "/cabinet/portal/"
PASSWORD = "Qalam2026kz"
NEW_PASSWORD = "Kunshuaq2027"


def has_account(
    app: Flask,
    cabinet: str,
    password: str = PASSWORD,
    *,
    iin: str = "",
    number: str = "",
    login: str = "",
    email: str = "",
    mailbox: str = "",
    **further: Any,
) -> Account:
    """Somebody has an account in this cabinet and signs in with each of these; a `mailbox` is only written to."""
    profile = read_profile(cabinet)
    with app.app_context():
        phone = PhoneNumber.parse(number) if number else None
        address = Email.parse(email or mailbox) if email or mailbox else None
        identifiers = [by_login(login)] if login else []
        identifiers += [by_iin(Iin.parse(iin, clock.now().date()))] if iin else []
        identifiers += [by_number(phone)] if phone else []
        identifiers += [by_email(Email.parse(email))] if email else []
        new = NewAccount(tuple(identifiers), phone, address, **further)
        account_id = create(caller_of(profile).product_id, new, password, profile.password)
        with reading() as session:
            return session.get_one(Account, account_id)


@dataclass
class Owner:
    """Whoever registered a cabinet: the account number, with which they sign in."""

    login: str = "4445"
    contract: str = "4445/10"
    email: str = "office@example.kz"

    def registered(self, app: Flask, **further: Any) -> Account:
        """Make the account."""
        known = {"name": "Айгерим", "account": self.login, "contract": self.contract}
        return has_account(app, "kaztranscom", login=self.login, email=self.email, profile_data=known, **further)


def a_sender(product_id: UUID, name: str = "KazTransCom", locale: str = "ru") -> Sender:
    """In whose name letters are written, without a page."""
    look = read_profile("kaztranscom").look
    return Sender(
        product_id,
        name,
        locale,
        entrance="https://codes.test/",
        recovery="https://codes.test/recovery",
        paper=Paper(look.accent, look.accent_deep, look.dark_accent, look.dark_accent_deep),
        zone=ZoneInfo("Asia/Almaty"),
        city="Астана",
        link=lambda secret: f"https://x/{secret}",
    )


def enter(browser: Browser, name: str, password: str = PASSWORD, home: str = HOME) -> None:
    """Sign in and be where that leads to."""
    browser.open(f"{home}?lang=ru")
    browser.send(home, name=name, password=password)


def come_in(
    browser: Browser, by: str = "iin", name: str = FAMILY.iin, password: str = PASSWORD, *, home: str = SCHOOL
) -> TestResponse:
    """Sign in where there is a field for each kind of identifier."""
    browser.open(f"{home}?lang=ru&by={by}")
    return browser.send(home, by=by, **{by: name, "password": password})


def change_own_password(browser: Browser, present: str = PASSWORD, password: str = NEW_PASSWORD) -> TestResponse:
    browser.open(f"{HOME}profile/password")
    return browser.send(present=present, password=password, repeat=password)


def stored(app: Flask, account: Account) -> Account:
    with app.app_context(), reading() as session:
        return session.get_one(Account, account.id)


def letters(app: Flask) -> list[Content]:
    """All letters that wait, the first one in front."""
    with app.app_context(), reading() as session:
        rows = session.scalars(sa.select(Letter).order_by(Letter.id)).all()
        keyring = current().keyring
        return [Content.from_json(keyring.unseal(row.sealed, letter_context(row.id))) for row in rows if row.sealed]


def link_in(letter: Content, kind: str = "confirm") -> str:
    """The address of the link, without the host."""
    found = re.search(rf"https://codes\.test(/cabinet/\S+/{kind}/\S+)", letter.text)
    assert found, letter.text
    return found[1]


def password_in(letter: Content) -> str:
    found = re.search(r"(?:Пароль|Password|Құпия сөз): (\S+)", letter.text)
    assert found, letter.text
    return found[1]


def add_user(browser: Browser, email: str, *, by: str = "hand", password: str = NEW_PASSWORD, **further: str) -> None:
    """Fill in «Создание пользователя» and save it."""
    browser.open(f"{HOME}users/new")
    fields = {"new": browser.hidden("new"), "email": email, "password_by": by, **further}
    if by == "hand":
        fields |= {"password": password, "repeat": password}
    browser.send(f"{HOME}users/new", **fields)


def key_of(browser: Browser, email: str) -> str:
    """The key of a user of the list, as it stands in addresses."""
    browser.open(f"{HOME}users")
    return browser.find(re.escape(email) + r'</td>.*?/users/(acc_\w+)"')


def open_user(browser: Browser, email: str) -> None:
    """Open the page of a user of the list."""
    browser.open(f"{HOME}users/{key_of(browser, email)}")


def change_user(browser: Browser, user: str, **fields: str) -> TestResponse:
    """Save the page of a user with these fields; else address and password stay as they are."""
    open_user(browser, user)
    return browser.send(**{"seen": browser.hidden("seen"), "email": user, "password_by": "keep", **fields})


def confirm(app: Flask, browser: Browser, email: str) -> None:
    """Open the link of the newest letter to this address and press the button."""
    newest = [letter for letter in letters(app) if letter.to == email][-1]
    browser.open(link_in(newest))
    browser.send()


def comes_in(app: Flask, browser: Browser, email: str) -> None:
    """Whoever was added confirms the address and signs in with the password that was typed."""
    confirm(app, browser, email)
    enter(browser, email, NEW_PASSWORD)


def only_the_second_link_works(app: Flask, reader: Browser) -> None:
    """Of the two letters that wait, the first one's link is over."""
    first, second = letters(app)
    assert reader.open(f"{link_in(first)}?lang=ru").status_code == 410
    assert "закончилась" in reader.text
    reader.open(link_in(second))
    reader.send()
    assert "Адрес подтверждён" in reader.text
