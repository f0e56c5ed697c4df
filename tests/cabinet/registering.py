"""What the tests of registration share: cabinets with it, a visitor who fills in its pages, a look at what was made."""

from __future__ import annotations

import re

import sqlalchemy as sa
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.models import Account, AccountIdentifier
from pushhub.accounts.profile_data import profile_data_of
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.kernel.db import reading
from pushhub.products.products import Caller
from tests.cabinet.browser import Browser
from tests.captcha.solving import solution_of
from tests.support.actors import Phone

BALABAQSHA = "/cabinet/balabaqsha/"
KTC = "/cabinet/kaztranscom/"
PORTAL = "/cabinet/portal/"
NEW = "balapan2026"
MINE = {"number": FAMILY.number, "iin": FAMILY.iin, "consent-data-policy": "yes"}
#: A contract of the sample customers that nobody has registered.
COMPANY = {
    "name": "Айгерим",
    "company": "ТОО «Көктем Логистик»",
    "email": "aigerim@koktem.kz",
    "number": "+7 701 555 12 12",
    "contract": "ктс-ktc-14",
    "tax_id": "120340007775",
}
EMAIL = 'name = "email"\nkind = "email"'
PROFILES = ("balabaqsha", "kaztranscom", "portal")


def caller_for(app: Flask, profile: str = "balabaqsha") -> Caller:
    with app.app_context():
        return caller_of(read_profile(profile))


def accounts(app: Flask) -> list[Account]:
    with app.app_context(), reading() as session:
        return list(session.scalars(sa.select(Account).order_by(Account.id)))


def only_account(app: Flask) -> tuple[Account, dict[str, str], dict[str, str]]:
    """The one account there is: itself, its identifiers (kind and masked form), its profile data."""
    (account,) = accounts(app)
    with app.app_context(), reading() as session:
        rows = session.scalars(sa.select(AccountIdentifier)).all()
        return account, {row.kind: row.masked for row in rows}, profile_data_of(account)


def begin(browser: Browser, home: str = BALABAQSHA, **changes: str) -> None:
    """Fill in the first page and send it."""
    browser.open(f"{home}registration?lang=ru")
    browser.send(**{name.replace("-", "__"): text for name, text in (MINE | changes).items()})


def bind_shown(browser: Browser, phone: Phone, number: str = FAMILY.number) -> None:
    """Bind the phone by what the guide shows, and press «Отправить»."""
    phone.bind(number=number, password=browser.one_time_password())
    browser.send(step="send")


def prove(browser: Browser, phone: Phone, number: str = FAMILY.number) -> None:
    """From the guide to the page that takes the password."""
    bind_shown(browser, phone, number)
    browser.send(step="check", code=phone.read_code())


def solution(browser: Browser, home: str = KTC) -> str:
    """What a browser with scripts sends for the task of the form."""
    return solution_of(browser.client.get(f"{home}captcha.json", base_url="https://codes.test").get_json())


def register_company(browser: Browser, **changes: str) -> None:
    browser.open(f"{KTC}registration?lang=ru")
    browser.send(**({"attempt": browser.hidden("attempt"), "captcha": solution(browser)} | COMPANY | changes))


def shown_password(browser: Browser) -> str | None:
    found = re.search(r'id="given-password"[^>]*>([^<]+)<', browser.text)
    return found[1] if found else None


def begin_portal(browser: Browser, **changes: str) -> None:
    browser.open(f"{PORTAL}registration?lang=ru")
    fields = {"number": FAMILY.number, "email": "new@example.kz", "surname": "Ахметова", "name": "Айгерим"}
    browser.send(consent__terms="yes", **(fields | changes))
