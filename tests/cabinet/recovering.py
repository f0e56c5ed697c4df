"""What the tests of a forgotten password share: who has forgotten it, the letter with the link, the new password."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage

from flask import Flask

from tests.cabinet.browser import Browser

PORTAL, KINDERGARTEN = "/cabinet/portal/", "/cabinet/balabaqsha/"
ADDRESS, NUMBER, IIN = "Aigerim.K@example.kz", "+77057546868", "910412400016"
OTHER_IIN, OTHER_NUMBER = "890723300024", "+77011234567"
OLD, NEW = "Balapan#2026", "Qyran!Tau88"
Dispatch = Callable[[], None]


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(letter: EmailMessage) -> str:
    found = re.search(r"https://codes\.test(/cabinet/portal/link/phl_[\w-]{43})\s", text_of(letter))
    assert found, text_of(letter)
    return found[1]


def ask_for_letter(browser: Browser, address: str = ADDRESS) -> None:
    browser.open(f"{PORTAL}recovery?by=email&lang=ru")
    browser.send(f"{PORTAL}recovery", by="email", email=address)


def set_password(browser: Browser, link: str, password: str = NEW, repeat: str | None = None) -> None:
    browser.open(f"{link}?lang=ru")
    browser.send(link, password=password, repeat=password if repeat is None else repeat)


def writing(statements: list[str]) -> list[str]:
    """Of these statements the ones that write, each by what it writes to."""
    words = {"INSERT": 3, "UPDATE": 2, "DELETE": 3}
    split = (statement.split() for statement in statements)
    return [" ".join(each[: words[each[0]]]) for each in split if each[0] in words]


def can_sign_in(app: Flask, password: str) -> bool:
    browser = Browser(app)
    browser.open(f"{PORTAL}?lang=ru")
    browser.send(name=ADDRESS, password=password)
    return browser.path.endswith("/feed")
