"""A forgotten password where one e-mail address is on file for several contracts: the login says which is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.models import Account, AccountLink
from pushhub.identity.email import Email, NotAnEmail
from pushhub.kernel.db import reading
from pushhub.kernel.settings import Settings
from pushhub.mail.models import Letter
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import with_products
from tests.cabinet.owners import HOME, PASSWORD, enter, has_account, letters, link_in
from tests.cabinet.recovering import writing
from tests.support.rows import how_many
from tests.support.statements import statements_of

ADDRESS, SECOND, NEW = "office@example.kz", "7031", "Kunshuaq2027"


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings) -> Flask:
    strict = replace(settings, cabinets=("kaztranscom",), codes_per_client_per_hour=40)
    return with_products(make_app(strict), "kaztranscom")


@pytest.fixture
def contracts(app: Flask) -> None:
    """Two contracts with one address; the first of them is signed in to with it as well."""
    has_account(app, "kaztranscom", login="4445", email=ADDRESS)
    has_account(app, "kaztranscom", login=SECOND, mailbox=ADDRESS)


def ask(browser: Browser, email: str = ADDRESS, login: str = "") -> None:
    browser.open(f"{HOME}recovery?lang=ru")
    browser.send(f"{HOME}recovery", by="email", email=email, login=login)


def signs_in(app: Flask, name: str, password: str) -> bool:
    browser = Browser(app)
    enter(browser, name, password)
    return browser.path != HOME


@pytest.mark.both_engines
@pytest.mark.parametrize(
    ("typed", "address", "meant", "other"),
    [
        ("4445", ADDRESS, "4445", SECOND),
        (SECOND, " Office@EXAMPLE.kz", SECOND, "4445"),
        ("", ADDRESS, ADDRESS, SECOND),
    ],
)
def test_each_contract_is_recovered_by_its_own_login(
    app: Flask, contracts: None, browser: Browser, typed: str, address: str, meant: str, other: str
) -> None:
    ask(browser, address, typed)
    assert "Проверьте почту" in browser.text
    [letter] = letters(app)
    assert letter.to == ADDRESS
    link = link_in(letter, "link")
    browser.open(link)
    browser.send(link, password=NEW, repeat=NEW)
    assert signs_in(app, meant, NEW)
    assert signs_in(app, other, PASSWORD)
    assert not signs_in(app, other, NEW)


def test_send_again_is_for_the_same_login(app: Flask, contracts: None, browser: Browser) -> None:
    ask(browser, login=SECOND)
    browser.send(browser.path)
    assert "Письмо отправлено ещё раз." in browser.text
    with app.app_context(), reading() as session:
        owners = session.scalars(sa.select(AccountLink.account_id)).all()
        second = session.scalars(sa.select(Account.id).order_by(Account.id)).all()[1]
    assert owners == [second, second]


def test_a_login_with_anothers_address_shows_the_same_page_and_costs_the_same_work(app: Flask, contracts: None) -> None:
    shown, written = [], []
    for email, login in ((ADDRESS, SECOND), ("thief@example.kz", SECOND), (ADDRESS, "9999")):
        browser = Browser(app)
        browser.open(f"{HOME}recovery?lang=ru")
        with statements_of(app) as statements:
            browser.send(f"{HOME}recovery", by="email", email=email, login=login)
        shown.append(re.sub(r"flw_\w+|[0-9a-f]{64}|\d\d:\d\d(:\d\d)?|\w\w\*{4}@", "…", browser.text))
        written.append([each for each in writing(statements) if "account_links" in each or "letters" in each])
    assert "Если …example.kz — адрес кабинета с этим логином" in shown[0]
    assert shown[0] == shown[1] == shown[2]
    assert written[0] == written[1] == written[2]
    assert "INSERT INTO letters" in written[0]
    assert how_many(app, Letter) == 1


@pytest.mark.both_engines
def test_an_account_with_a_very_long_domain_is_made_and_recovered(app: Flask, browser: Browser) -> None:
    email = Email.parse(f"a.person@{'a' * 60}.{'b' * 60}.kz")
    assert len(email.masked) <= 80
    assert email.masked.startswith("a.****@…")
    assert email.masked.endswith("bbb.kz")
    has_account(app, "kaztranscom", login="4445", email=email.address)
    ask(browser, email.address)
    assert "Проверьте почту" in browser.text
    [letter] = letters(app)
    assert letter.to == email.address


@pytest.mark.parametrize(
    "address",
    [
        *('"a b"@example.kz', '"a,b"@example.kz', '"a@b"@example.kz', "a b@example.kz", "a..b@example.kz", ".a@b.kz"),
        *("=?utf-8?q?a?=@example.kz", "=?utf-8?b?YQ==?=@example.kz", "=?utf-8?q?a=40b.kz?=@example.kz"),  # RFC 2047
        *("a@-example.kz", "a@exa_mple.kz", "a@[192.0.2.1]"),
    ],
)
def test_an_address_with_an_unusual_name_is_refused_under_its_field(browser: Browser, address: str) -> None:
    with pytest.raises(NotAnEmail):
        Email.parse(address)
    ask(browser, address)
    assert browser.status == 422
    assert "Это не адрес e-mail" in browser.text


@pytest.mark.parametrize(
    "address", ["a@b.kz", "a.b+c_d-e@example.kz", "o'neil@example.kz", "A1!#$%&*/=?^`{|}~@example.kz"]
)
def test_plain_addresses_are_taken(address: str) -> None:
    assert Email.parse(address).address == address
