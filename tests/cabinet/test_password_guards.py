"""What a password and the guesses at it may not do: outlive a change, throw out its owner, stay though it was given."""

from __future__ import annotations

import pytest
from flask import Flask

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.models import Account, AccountSession
from pushhub.accounts.passwords import hashing
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.people.password_change import StillTheGiven, change_password, change_password_by_link
from pushhub.accounts.sessions import sessions, sign_in_throttle
from pushhub.accounts.sessions.sign_in import Wrong, check_present
from pushhub.accounts.sessions.sign_in import sign_in as sign_in_person
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted
from pushhub.accounts.sign_in_identifiers import by_email, by_login
from pushhub.cabinets.loader import read_profile
from pushhub.identity.email import Email
from pushhub.kernel.db import transaction
from tests.cabinet.browser import Browser
from tests.cabinet.owners import HOME, NEW_PASSWORD, PASSWORD, Owner, change_own_password, enter, stored
from tests.support.databases import FakeClock
from tests.support.rows import how_many
from tests.support.statements import after_transaction

CABINETS = ("kaztranscom",)
RULE = read_profile("kaztranscom").password
#: PASSWORD with a wide letter: another text, and the same password.
WIDE = PASSWORD.replace("z", "\uff5a")

IT_IS_THE_SAME = "Это ваш текущий пароль"


def sign_in(account: Account, password: str = PASSWORD) -> object:
    life = read_profile("kaztranscom").sessions
    return sign_in_person(account.product_id, by_login("4445"), password, life=life, browser="Chrome", remembered=True)


@pytest.mark.both_engines
def test_a_sign_in_under_way_does_not_outlive_a_change_of_the_password(app: Flask, owner: Account) -> None:
    read: list[str | None] = []

    def change_meanwhile() -> None:
        read.append(stored(app, owner).password_hash)
        change_password(owner.id, NEW_PASSWORD, RULE)

    with app.app_context():
        with after_transaction(app, "JOIN account_identifiers", change_meanwhile):
            assert sign_in(owner) == Wrong(None)
        assert [hashing.matches(each, PASSWORD) for each in read] == [True]
        assert how_many(app, AccountSession) == 0
        assert isinstance(sign_in(owner, NEW_PASSWORD), sessions.NewSession)


def test_a_strangers_guesses_at_the_sign_in_do_not_throw_out_who_is_signed_in(
    app: Flask, owner: Account, office: Browser
) -> None:
    with app.app_context():
        for each in (by_login("4445"), by_email(Email.parse(Owner().email))):
            for _ in range(10):
                sign_in_throttle.count_try(owner.product_id, each.digest)
        assert sign_in(owner, "wrong") != Wrong(None)
    change_own_password(office)
    assert office.path == f"{HOME}profile"


def test_whoever_signs_in_again_may_give_the_present_password_again(app: Flask, owner: Account, now: FakeClock) -> None:
    with app.app_context():
        for _ in range(10):
            found = check_present(owner, "not it")
            now.forward(hours=1)
        assert found == CodeWanted() == check_present(owner, PASSWORD)
        assert isinstance(sign_in(owner), sessions.NewSession)
        assert check_present(owner, PASSWORD) is None


def test_a_cabinet_without_numbers_promises_no_code_after_ten_wrong_passwords(
    owner: Account, browser: Browser, now: FakeClock
) -> None:
    for name in ("4445", "5556"):  # the owner's, and nobody's
        for _ in range(11):
            now.forward(minutes=59)
            enter(browser, name, "not it")
        assert "Пароль слишком много раз был неверным" in browser.text
        assert f"{HOME}recovery?by=email" in browser.text
        assert 'value="send"' not in browser.text
        browser.open(browser.path)
        unlock = browser.path
        browser.open(HOME)
        browser.send(unlock, step="send")
        assert browser.path == unlock
        assert "****" not in browser.text
    now.forward(days=1)
    enter(browser, "4445")
    assert browser.path == f"{HOME}feed"


def test_one_network_address_has_a_hundred_wrong_passwords_an_hour(
    owner: Account, browser: Browser, now: FakeClock
) -> None:
    enter(browser, "4445")
    browser.send(f"{HOME}sign-out")
    for turn in range(100):
        enter(browser, f"nobody{turn}", "not it")
        assert browser.path == HOME
        assert "Слишком много неверных паролей" not in browser.text, turn
    browser.open(HOME)
    assert browser.send(HOME, name="4445", password=PASSWORD).status_code == 429
    assert "Слишком много неверных паролей" in browser.text
    now.forward(hours=1)
    enter(browser, "4445")
    assert browser.path == f"{HOME}feed"


@pytest.mark.parametrize("again", [PASSWORD, WIDE])
def test_a_given_password_is_not_changed_to_itself(app: Flask, browser: Browser, again: str) -> None:
    given = Owner().registered(app, must_change_password=True)
    with app.app_context():
        with transaction() as session:
            secret = links.make_link(session, given.id, LinkKind.RECOVERY, 30)
        with pytest.raises(StillTheGiven):
            change_password(given.id, again, RULE)
        with pytest.raises(StillTheGiven):
            change_password_by_link(given.product_id, secret, again, RULE)
    browser.open(f"{HOME}link/{secret}?lang=ru")
    assert browser.send(password=again, repeat=again).status_code == 422
    assert IT_IS_THE_SAME in browser.text
    enter(browser, "4445")
    assert browser.path == f"{HOME}profile/password"
    assert browser.send(present=PASSWORD, password=again, repeat=again).status_code == 422
    assert IT_IS_THE_SAME in browser.text
    with app.app_context():
        assert stored(app, given).must_change_password
        change_password_by_link(given.product_id, secret, NEW_PASSWORD, RULE)
        assert not stored(app, given).must_change_password


def test_the_length_is_that_of_what_is_stored() -> None:
    rule = PasswordRule(8, 20, lower=False, upper=False, digit=False, special="")
    ligature = "\ufdfa"  # one character, which stands for eighteen
    assert rule.unmet("abcdefgh") == ()
    assert rule.unmet(ligature + "ab") == ()
    assert rule.unmet(ligature * 2) == ("length",)
    assert rule.unmet("e\u0301" * 5) == ("length",)
