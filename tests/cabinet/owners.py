"""Who is signed in to a cabinet, with a contract or as a parent, and the letters that the cabinet writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.models import Account
from pushhub.accounts.people.register import NewAccount, create
from pushhub.accounts.sign_in_identifiers import by_email, by_login
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel.db import reading
from pushhub.mail.content import Content
from pushhub.mail.models import Letter, letter_context
from pushhub.mail.rendering import Paper
from tests.cabinet.conftest import Browser

CABINETS = ("kaztranscom", "balabaqsha", "portal")
HOME = "/cabinet/kaztranscom/"
SCHOOL = "/cabinet/balabaqsha/"
PORTAL = "/cabinet/portal/"
PASSWORD = "Qalam2026kz"
NEW_PASSWORD = "Kunshuaq2027"


@dataclass
class Owner:
    """Whoever registered a cabinet: the account number, with which they sign in."""

    login: str = "4445"
    contract: str = "4445/10"
    email: str = "office@example.kz"

    def registered(self, app: Flask, **further: bool) -> Account:
        """Make the account."""
        with app.app_context():
            email = Email.parse(self.email)
            new = NewAccount(
                (by_login(self.login), by_email(email)),
                email=email,
                profile_data={"name": "Айгерим", "account": self.login, "contract": self.contract},
                **further,
            )
            rule = read_profile("kaztranscom").password
            account_id = create(caller_of(read_profile("kaztranscom")).product_id, new, PASSWORD, rule)
            with reading() as session:
                return session.get_one(Account, account_id)


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


def come_in(browser: Browser, by: str = "iin", name: str = FAMILY.iin, password: str = PASSWORD) -> None:
    browser.open(f"{SCHOOL}?lang=ru&by={by}")
    browser.send(SCHOOL, by=by, **{by: name, "password": password})


def stored(app: Flask, account: Account) -> Account:
    with app.app_context(), reading() as session:
        return session.get_one(Account, account.id)


def letters(app: Flask) -> list[Content]:
    """All letters that wait, the first one in front."""
    with app.app_context(), reading() as session:
        rows = session.scalars(sa.select(Letter).order_by(Letter.id)).all()
        return [Content.from_json(current().keyring.unseal(row.sealed, letter_context(row.id))) for row in rows]


def link_in(letter: Content) -> str:
    """The address of the link, without the host."""
    found = re.search(r"https://codes\.test(/cabinet/\S+/confirm/\S+)", letter.text)
    assert found, letter.text
    return found[1]


def password_in(letter: Content) -> str:
    found = re.search(r"(?:Пароль|Password|Құпия сөз): (\S+)", letter.text)
    assert found, letter.text
    return found[1]


def add_user(browser: Browser, email: str, *, by: str = "hand", password: str = NEW_PASSWORD, **further: str) -> None:
    """Fill in «Создание пользователя» and save it."""
    browser.open(f"{HOME}users/new")
    new = re.search(r'name="new" value="(acc_\w+)"', browser.text)
    assert new, browser.text
    fields = {"new": new[1], "email": email, "password_by": by, **further}
    if by == "hand":
        fields |= {"password": password, "repeat": password}
    browser.send(f"{HOME}users/new", **fields)


def key_of(browser: Browser, email: str) -> str:
    """The key of a user of the list, as it stands in addresses."""
    browser.open(f"{HOME}users")
    found = re.search(re.escape(email) + r'</td>.*?/users/(acc_\w+)"', browser.text, re.DOTALL)
    assert found, browser.text
    return found[1]


def confirm(app: Flask, browser: Browser, email: str) -> None:
    """Open the link of the newest letter to this address and press the button."""
    newest = [letter for letter in letters(app) if letter.to == email][-1]
    browser.open(link_in(newest))
    browser.send()


def seen_of(browser: Browser) -> str:
    """The hidden field of the form that is open."""
    found = re.search(r'name="seen" value="(\w+)"', browser.text)
    assert found, browser.text
    return found[1]


def only_the_second_link_works(app: Flask, reader: Browser) -> None:
    """Of the two letters that wait, the first one's link is over."""
    first, second = letters(app)
    assert reader.open(f"{link_in(first)}?lang=ru").status_code == 410
    assert "закончилась" in reader.text
    reader.open(link_in(second))
    reader.send()
    assert "Адрес подтверждён" in reader.text
