"""An address or a password is changed while its owner does something else with it, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind, LinkWorthless
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.models import Account, AccountIdentifier, AccountSession
from pushhub.accounts.passwords import hashing
from pushhub.accounts.people import own_login_and_email, users
from pushhub.accounts.people.password_change import change_password, change_password_by_link
from pushhub.accounts.people.users import GivenPassword, UserDetails
from pushhub.accounts.sessions.sign_in import sign_in as sign_in_person
from pushhub.accounts.sign_in_identifiers import by_login
from pushhub.cabinets.loader import read_profile
from pushhub.identity.email import Email
from pushhub.kernel.db import transaction
from pushhub.kernel.ids import new_key
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import with_products
from tests.cabinet.owners import NEW_PASSWORD, PASSWORD, Owner, a_sender, letters
from tests.support.applications import MakeApp
from tests.support.rows import values
from tests.support.statements import stopping_at
from tests.support.waiting import somebody_waits, until

pytestmark = pytest.mark.postgresql  # SQLite lets one writer in at a time anyhow

Paused = Callable[..., tuple[object, object]]
RULE = read_profile("kaztranscom").password
#: What the use cases of accounts write last.
NOTED = "INSERT INTO account_events"
NEW = UserDetails(Email("new@example.kz"), name="Анна")


@pytest.fixture
def app(make_app: MakeApp, settings: Settings) -> Flask:
    return with_products(make_app(replace(settings, cabinets=("kaztranscom",))), "kaztranscom")


@pytest.fixture
def owner(app: Flask) -> Account:
    return Owner().registered(app)


@pytest.fixture
def sender(owner: Account) -> Sender:
    return a_sender(owner.product_id)


@pytest.fixture
def paused(app: Flask) -> Paused:
    """Do `first` and stop it within its transaction, just before the statement that is named; begin `second`, which has
    to wait for it (or is done by itself), and let `first` go on. What both came to."""

    def run(first: Callable[[], object], statement: str, second: Callable[[], object]) -> tuple[object, object]:
        def outcome(action: Callable[[], object]) -> object:
            with app.app_context():
                try:
                    return action()
                except Exception as problem:  # noqa: BLE001 - looked at by the test
                    return problem

        with ThreadPoolExecutor(2) as threads, stopping_at(app, statement) as stop:
            one = threads.submit(outcome, first)
            assert stop.reached(20)
            other = threads.submit(outcome, second)
            until(lambda: other.done() or somebody_waits(app), 20, "the second neither waits nor is done")
            stop.go_on()
            return one.result(20), other.result(20)

    return run


def added(app: Flask, owner: Account, sender: Sender) -> tuple[UUID, str]:
    """A further user, and the secret of the link in their letter."""
    key = new_key()
    with app.app_context():
        details = UserDetails(Email("old@example.kz"), name="Анна")
        given = GivenPassword(NEW_PASSWORD, RULE, mailed=False)
        users.add_user(owner, key, details, given, sender, most=20)
    return key, newest_secret(app)


def newest_secret(app: Flask) -> str:
    found = re.search(r"https://x/(phl_\S+)", letters(app)[-1].text)
    assert found
    return found[1]


def names_of(app: Flask, account_id: UUID) -> list[str]:
    return sorted(values(app, sa.select(AccountIdentifier.kind).where(AccountIdentifier.account_id == account_id)))


def test_an_address_that_is_taken_away_while_it_is_confirmed_is_gone(
    app: Flask, owner: Account, sender: Sender, paused: Paused
) -> None:
    key, secret = added(app, owner, sender)
    with app.app_context():
        seen = users.find_user(owner.id, key)
    _, changed = paused(
        lambda: own_login_and_email.confirm_email(owner.product_id, secret, sender),
        NOTED,
        lambda: users.change_user(owner, seen, NEW, None, sender),
    )
    # Either the change was told that the user was confirmed meanwhile, or nobody signs in with the address before.
    assert changed is None or isinstance(changed, users.ChangedMeanwhile)
    if changed is not None:
        with app.app_context():
            users.change_user(owner, users.find_user(owner.id, key), NEW, None, sender)
    assert names_of(app, key) == []


@pytest.mark.parametrize("stopped_at", ["UPDATE accounts SET email_sealed", NOTED])
def test_a_link_to_an_address_that_is_being_taken_away_confirms_nothing(
    app: Flask, owner: Account, sender: Sender, paused: Paused, stopped_at: str
) -> None:
    key, secret = added(app, owner, sender)
    with app.app_context():
        seen = users.find_user(owner.id, key)
    changed, confirmed = paused(
        lambda: users.change_user(owner, seen, NEW, None, sender),
        stopped_at,
        lambda: own_login_and_email.confirm_email(owner.product_id, secret, sender),
    )
    assert changed is None
    assert isinstance(confirmed, LinkWorthless)
    assert names_of(app, key) == []


@pytest.mark.parametrize("by_link", [False, True])
def test_an_address_is_confirmed_while_the_password_is_changed(
    app: Flask, owner: Account, sender: Sender, paused: Paused, by_link: bool
) -> None:
    """Both change the account and its links; neither stands in the other's way."""
    with app.app_context():
        own_login_and_email.ask_email(owner, Email("new@example.kz"), sender)
        with transaction() as session:
            recovery = links.make_link(session, owner.id, LinkKind.RECOVERY, 30)
    secret = newest_secret(app)

    def change() -> None:
        if by_link:
            change_password_by_link(owner.product_id, recovery, NEW_PASSWORD, RULE)
        else:
            change_password(owner.id, NEW_PASSWORD, RULE)

    confirmed, changed = paused(
        lambda: own_login_and_email.confirm_email(owner.product_id, secret, sender),
        "DELETE FROM account_identifiers",
        change,
    )
    assert isinstance(confirmed, own_login_and_email.Waiting)
    if by_link:  # with the new address the letter to the one before is worth nothing
        assert isinstance(changed, LinkWorthless)
    else:
        assert changed is None
    (present,) = values(app, sa.select(Account.password_hash).where(Account.id == owner.id))
    assert hashing.matches(present, PASSWORD if by_link else NEW_PASSWORD)


def test_a_password_is_changed_in_two_ways_at_once(app: Flask, owner: Account, paused: Paused) -> None:
    with app.app_context(), transaction() as session:
        recovery = links.make_link(session, owner.id, LinkKind.RECOVERY, 30)
    by_link, changed = paused(
        lambda: change_password_by_link(owner.product_id, recovery, NEW_PASSWORD, RULE),
        "UPDATE accounts SET",
        lambda: change_password(owner.id, "Zhanbyr2028", RULE),
    )
    assert (by_link, changed) == (None, None)


def test_a_session_that_is_begun_while_the_password_is_changed_ends_with_it(
    app: Flask, owner: Account, paused: Paused
) -> None:
    def sign_in() -> object:
        life = read_profile("kaztranscom").sessions
        return sign_in_person(owner.product_id, by_login("4445"), PASSWORD, life=life, browser="Chrome")

    paused(sign_in, NOTED, lambda: change_password(owner.id, NEW_PASSWORD, RULE))
    assert values(app, sa.select(sa.func.count()).select_from(AccountSession)) == [0]
