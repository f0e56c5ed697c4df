"""Re-registration: whose number is confirmed is whose cabinet it becomes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.passwords import hashing
from pushhub.accounts.people.register import register
from pushhub.binding.offers import create_offer
from pushhub.identity.phone import PhoneNumber
from pushhub.products.products import Caller
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import account_of, person
from tests.support.actors import Phone
from tests.support.statements import after_transaction

NEW = "Kunshuaq!2027"
FATHERS_NUMBER, FATHERS_PASSWORD = "+77011234567", "Balapan#2026xyz"


@pytest.mark.both_engines
def test_of_two_windows_with_two_parents_a_code_confirms_only_whom_it_was_sent_for(
    app: Flask, caller: Caller, account: str, browser: Browser, phone: Phone, dispatch: Callable[[], None]
) -> None:
    with app.app_context():
        register(caller.product_id, person(FAMILY.other_parent), PhoneNumber.parse(FATHERS_NUMBER), FATHERS_PASSWORD)
        phone.bind(number=account, password=create_offer(caller, PhoneNumber.parse(account)).password)
    browser.open("/cabinet/indigo/re-registration?lang=ru")
    browser.send(
        child=FAMILY.child,
        certificate=FAMILY.certificate,
        first_parent=FAMILY.iin,
        second_parent=FAMILY.other_parent,
        place="kindergarten",
        confirmed="yes",
    )
    here = browser.path
    other_window = Browser(app)
    other_window.client = browser.client
    other_window.open(here)

    def name_the_father_in_the_other_window() -> None:
        fathers = {"step": "number", "iin": FAMILY.other_parent, "number": FATHERS_NUMBER}
        window = Thread(target=lambda: other_window.send(here, **fathers))
        window.start()
        window.join()

    with after_transaction(app, "INSERT INTO verifications", name_the_father_in_the_other_window):
        browser.send(here, step="number", iin=FAMILY.iin, number=account)
    dispatch()
    browser.send(here, step="finish", code=phone.read_code(), password=NEW, repeat=NEW)
    with app.app_context():
        father, mother = account_of(caller, FAMILY.other_parent), account_of(caller, FAMILY.iin)
    assert father.number == PhoneNumber.parse(FATHERS_NUMBER)
    assert hashing.matches(father.password_hash, FATHERS_PASSWORD)
    assert hashing.matches(mother.password_hash, NEW)
