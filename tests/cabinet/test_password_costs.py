"""What a password costs whoever guesses it, measured with the real hash; elsewhere tests use a cheap one.

Measured is the computing time of the thread: on a busy machine the clock on the wall says little.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from pushhub.accounts.passwords import hashing, history
from pushhub.accounts.sessions import sign_in as accounts
from pushhub.accounts.sessions.sign_in import Wrong
from pushhub.accounts.sessions.sign_in_throttle import Wait
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.cabinets.loader import read_profile
from pushhub.kernel.ids import new_key
from pushhub.products.products import Caller
from tests.cabinet.conftest import person

REAL_ARGON2 = True


def try_password(app: Flask, caller: Caller, who: Identifier) -> object:
    with app.app_context():
        life = read_profile("indigo").sessions
        return accounts.sign_in(caller.product_id, who, "wrong", life=life, browser="Chrome, Windows")


def test_a_password_is_stored_with_argon2id_and_matches_from_every_keyboard() -> None:
    stored = hashing.hashed("Å#Balapan2026")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashing.matches(stored, "A\u030a#Balapan2026")
    assert not hashing.matches(stored, "å#Balapan2026")
    assert not hashing.matches(None, "the password of nobody")
    assert not hashing.matches("not a hash", "x")


def test_an_answer_takes_the_same_time_with_an_account_as_without(app: Flask, caller: Caller, account: str) -> None:
    with app.app_context():
        strangers = [Identifier("iin", f"{number:064x}", "") for number in range(6)]
        owner = person()
    took: dict[bool, list[float]] = {True: [], False: []}
    for stranger in strangers:
        for known, who in ((True, owner), (False, stranger)):
            begun = time.thread_time()
            assert isinstance(try_password(app, caller, who), Wrong)
            took[known].append(time.thread_time() - begun)
            with app.app_context():
                accounts.forgive(caller.product_id, who)
    fastest = {known: min(each) for known, each in took.items()}
    assert fastest[False] > fastest[True] / 2, fastest  # without the dummy hash it is a tenth
    assert fastest[True] > fastest[False] / 2, fastest


@pytest.mark.both_engines
def test_wrong_passwords_at_the_same_time_are_all_counted(app: Flask, caller: Caller, account: str) -> None:
    with app.app_context():
        who = person()
    with ThreadPoolExecutor(16) as pool:
        found = [type(each) for each in pool.map(lambda _: try_password(app, caller, who), range(32))]
    # Whoever is counted fifth has to wait, and so has everybody after: five looks in all.
    assert found.count(Wrong) == 5
    assert found.count(Wait) == 27


@pytest.mark.parametrize("length", [8, 12, 20, 21, 40, 128])
def test_the_marks_of_a_password_cost_a_guesser_much_and_a_person_little(app: Flask, length: int) -> None:
    password = ("Kz7!mQ2#xW9%pL4&vB8^" * 7)[:length]
    with app.app_context():
        rule = read_profile("portal").password
        account_id, fastest = new_key(), 9.0
        for _ in range(2):
            begun = time.thread_time()
            history.prepared(account_id, password, rule)
            fastest = min(fastest, time.thread_time() - begun)
    assert 0.03 < fastest < 0.6, fastest  # 60 to 140 ms of a usual machine
