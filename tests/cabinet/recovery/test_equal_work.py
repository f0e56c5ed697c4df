"""Whoever asks for a code learns nothing from the clock: the database is asked the same, statement by statement, with
an account and without one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from flask import Flask

from tests.cabinet.browser import Browser
from tests.cabinet.recovering import IIN, KINDERGARTEN, NUMBER, PORTAL
from tests.support.actors import Phone
from tests.support.iins import iins
from tests.support.statements import statements_of

Ask = Callable[[Browser, str, str], None]
#: For a stand-in the product speaks as with a test key: the same statement with the other value.
_LIVE = re.compile(r"(\.live (?:=|IS)) (?:0|1|true|false)\b")


def recover_by_number(browser: Browser, number: str, iin: str) -> None:
    browser.open(f"{PORTAL}recovery?by=code&lang=ru")
    browser.send(f"{PORTAL}recovery", by="code", number=number)


def recover_by_number_and_iin(browser: Browser, number: str, iin: str) -> None:
    browser.open(f"{KINDERGARTEN}recovery?lang=ru")
    browser.send(f"{KINDERGARTEN}recovery", number=number, iin=iin, **{"consent-data-policy": "yes"})


def sign_in_by_code(browser: Browser, number: str, iin: str) -> None:
    browser.open(f"{KINDERGARTEN}code-sign-in?lang=ru&by=iin")
    browser.send(f"{KINDERGARTEN}code-sign-in", by="iin", iin=iin)


def work(app: Flask, ask: Ask, number: str, iin: str) -> tuple[bool, list[str]]:
    """Whether a code was sent, as it looks, and what that took."""
    browser = Browser(app)
    with statements_of(app) as asked:
        ask(browser, number, iin)
    assert browser.status == 200
    assert "/recovery/" in browser.path or "/code-sign-in/" in browser.path, browser.text
    return 'name="code"' in browser.text, [_LIVE.sub(r"\1", statement) for statement in asked]


def strangers() -> Iterator[tuple[str, str]]:
    """Numbers and IINs that nobody has registered."""
    for count, iin in enumerate(islice(iins("900101300"), 40)):
        yield f"+7701765{count:04d}", iin


@pytest.mark.parametrize("ask", [recover_by_number, recover_by_number_and_iin])
def test_a_stranger_costs_as_much_as_whoever_has_the_app(app: Flask, bound: Phone, ask: Ask) -> None:
    sent, known = work(app, ask, NUMBER, IIN)
    assert sent
    assert unknown_like(app, ask, sent=True) == known


@pytest.mark.parametrize("ask", [recover_by_number, recover_by_number_and_iin, sign_in_by_code])
def test_a_stranger_costs_as_much_as_whoever_has_no_app(app: Flask, ask: Ask) -> None:
    sent, known = work(app, ask, NUMBER, IIN)
    assert not sent
    assert unknown_like(app, ask, sent=False) == known


def unknown_like(app: Flask, ask: Ask, *, sent: bool) -> list[str]:
    """The work for somebody without an account who looks the same."""
    for number, iin in strangers():
        looks, asked = work(app, ask, number, iin)
        if looks is sent:
            return asked
    raise AssertionError("nobody looks like that")
