"""The panel at the top: account, contract and balance."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from flask import Flask

from pushhub.accounts.models import Account
from pushhub.customers.contract import Found, Standing
from pushhub.customers.remembered import RememberedStandings
from pushhub.kernel.errors import CustomersUnavailable
from tests.cabinet.browser import Browser
from tests.cabinet.owners import HOME, NEW_PASSWORD, PASSWORD, add_user, comes_in, enter
from tests.support.databases import FakeClock


class Base:
    """The product's customers, which answer, or do not."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    def find(self, contract: str, tax_id: object) -> Found:
        raise CustomersUnavailable

    def standing(self, account: str) -> Standing | None:
        self.asked.append(account)
        if self.away:
            raise CustomersUnavailable
        return Standing(account, "4445/10", Decimal("1425"), "KZT") if account == "4445" else None


@pytest.fixture
def base(app: Flask) -> Base:
    cabinets, made = app.extensions["pushhub.cabinets"], Base()
    cabinets["kaztranscom"] = replace(cabinets["kaztranscom"], customers=made)
    return made


def panel(browser: Browser) -> str:
    return " ".join(
        browser.text.partition('<section class="top"')[2].partition("</dl>")[0].replace("\xa0", " ").split()
    )


@pytest.mark.parametrize(("language", "balance"), [("ru", "1 425,00 ₸"), ("kk", "1 425,00 ₸"), ("en", "₸1,425.00")])
def test_the_panel_shows_account_contract_and_balance_as_the_reader_writes_it(
    base: Base, office: Browser, language: str, balance: str
) -> None:
    office.open(f"{HOME}feed?lang={language}")
    for words in (">4445<", ">4445/10<", f">{balance}<"):
        assert words in panel(office)


def test_a_page_asks_the_product_once_and_half_a_minute_asks_once(base: Base, office: Browser, now: FakeClock) -> None:
    for path in ("profile", "users", "sessions", "feed"):
        office.open(f"{HOME}{path}")
        assert "1 425,00" in panel(office)
    assert base.asked == ["4445"]
    now.forward(seconds=31)
    office.open(f"{HOME}feed")
    assert base.asked == ["4445", "4445"]


def test_while_the_product_is_away_pages_work_and_say_so(
    browser: Browser, owner: Account, base: Base, now: FakeClock
) -> None:
    base.away = True
    enter(browser, "4445")
    for path in ("profile", "users", "feed"):
        assert browser.open(f"{HOME}{path}").status_code == 200
        assert "сейчас недоступен" in panel(browser)
        assert ">4445/10<" in panel(browser)
    assert len(base.asked) == 1  # one page waits for it, and not each
    base.away = False
    now.forward(seconds=11)
    browser.open(f"{HOME}feed")
    assert "1 425,00" in panel(browser)


def test_further_users_see_the_panel_of_the_owner(
    app: Flask, base: Base, office: Browser, another_browser: Browser
) -> None:
    add_user(office, "anna@example.kz")
    comes_in(app, another_browser, "anna@example.kz")
    another_browser.send(present=NEW_PASSWORD, password=PASSWORD, repeat=PASSWORD)
    another_browser.open(f"{HOME}profile")
    assert ">4445<" in panel(another_browser)
    assert "1 425,00" in panel(another_browser)


def test_a_cabinet_without_a_panel_shows_none(at_school: Browser) -> None:
    assert 'class="top"' not in at_school.text


def test_an_unknown_account_is_remembered_like_any_answer(now: FakeClock) -> None:
    base = Base()
    kept = RememberedStandings(base)
    assert kept.standing("9") is None
    assert kept.standing("9") is None
    assert base.asked == ["9"]
