"""The last passwords and their like: what is refused, what is not, and that nothing of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.models import Account, AccountPassword
from pushhub.accounts.passwords import history
from pushhub.accounts.passwords.history import PasswordTooLike, marks_of
from pushhub.accounts.people.password_change import change_password, set_password
from pushhub.accounts.people.register import NewAccount, create, register
from pushhub.cabinets.loader import read_profile
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.ids import new_key
from pushhub.products.products import Caller
from tests.cabinet.conftest import person
from tests.support.databases import FakeClock
from tests.support.rows import how_many

Change = Callable[[str], None]
RULE = read_profile("portal").password
FIRST = "Balapan#2026"
#: Six passwords that have nothing in common.
OTHERS = ("Qyran!Tau88", "Jeti-Su%314", "kOKSHETAU&9", "Alma.Agash7", "Zhuldyz@505", "Dala^Zheli1")


@pytest.fixture
def owner(app: Flask, caller: Caller) -> Iterator[UUID]:
    """Somebody whose first password is `FIRST`; within the application."""
    with app.app_context():
        yield create(caller.product_id, NewAccount((person(),)), FIRST, RULE)


def stored(owner: UUID) -> Account:
    with reading() as session:
        return session.get_one(Account, owner)


@pytest.fixture
def change(owner: UUID, now: FakeClock) -> Change:
    def to(password: str) -> None:
        now.forward(minutes=5)
        change_password(owner, password, RULE)

    return to


def test_the_rule_of_the_portal_remembers_six() -> None:
    assert RULE.remembered == 6
    assert all(not RULE.unmet(password) for password in (FIRST, *OTHERS))


@pytest.mark.parametrize(
    "alike",
    [
        "Balapan#2026",  # the same
        "bALAPAN#2026",  # other capitals
        "Balapan#2027",  # one character changed
        "Balapan#22026",  # one more
        "Balapan2026#",  # one moved
        "Balapn#2026",  # one less
        "Blaapan#2026",  # two neighbours changed round
        "B@lap4n#2O26",  # look-alikes
        "Ваlарan#2026".replace("В", "B"),  # Cyrillic letters that look the same
        "Balapan!3000",  # only the ending is another
        "#1!Balapan5",  # the word with other things around it
        "2026Balapan#",  # turned
        "6202#napalaB",  # read backwards
        "Balapan#\uff12\uff10\uff12\uff16",  # full-width digits of an Asian keyboard
    ],
)
def test_what_is_like_the_present_password_is_refused(change: Change, alike: str) -> None:
    with pytest.raises(PasswordTooLike):
        change(alike)


@pytest.mark.parametrize("other", [*OTHERS, "Balabaqsha#2026", "Kunshuaq#2026", "Tau#2026Balyq"])
def test_what_shares_only_a_part_is_taken(change: Change, other: str) -> None:
    change(other)
    with pytest.raises(PasswordTooLike):
        change(other)


@pytest.mark.both_engines
def test_six_are_remembered_and_the_seventh_before_is_not(app: Flask, change: Change, owner: UUID) -> None:
    for password in OTHERS[:5]:
        change(password)
        with pytest.raises(PasswordTooLike):
            change("Balapan#2030")
    change(OTHERS[5])
    change("Balapan#2030")
    for remembered in (*OTHERS[1:], "Balapan#2026"):
        with pytest.raises(PasswordTooLike):
            change(remembered)
    change(OTHERS[0])
    assert how_many(app, AccountPassword) == 6


@pytest.mark.both_engines
def test_a_refused_password_changes_nothing(app: Flask, change: Change, owner: UUID) -> None:
    before = stored(owner)
    with pytest.raises(PasswordTooLike):
        change("Balapan#2027")
    after = stored(owner)
    assert how_many(app, AccountPassword) == 1
    assert (after.password_hash, after.password_changed_at) == (before.password_hash, before.password_changed_at)


def test_the_same_password_twice_within_a_moment_is_a_double_click(change: Change, owner: UUID, now: FakeClock) -> None:
    change(OTHERS[0])
    before = stored(owner).password_hash
    change_password(owner, OTHERS[0], RULE)
    assert stored(owner).password_hash == before
    now.forward(minutes=1)
    with pytest.raises(PasswordTooLike):
        change_password(owner, OTHERS[0], RULE)


def test_an_account_of_before_the_rule_can_not_keep_its_password(app: Flask, caller: Caller, now: FakeClock) -> None:
    with app.app_context():
        old = create(caller.product_id, NewAccount((person(),)), FIRST)
        now.forward(minutes=5)
        with pytest.raises(PasswordTooLike):
            change_password(old, FIRST, RULE)
        change_password(old, OTHERS[0], RULE)
        assert how_many(app, AccountPassword) == 1


def test_a_rule_without_memory_remembers_nothing(app: Flask, owner: UUID, now: FakeClock) -> None:
    now.forward(minutes=5)
    change_password(owner, FIRST, replace(RULE, remembered=0))
    assert how_many(app, AccountPassword) == 0


def test_a_password_that_somebody_else_sets_is_remembered_but_compared_with_nothing(
    owner: UUID, now: FakeClock
) -> None:
    now.forward(minutes=5)
    given = history.prepared(owner, "Balapan#2027", RULE)
    with transaction() as session:
        set_password(session, given, must_change=True)
    assert stored(owner).must_change_password
    with pytest.raises(PasswordTooLike):
        change_password(owner, "Balapan#2027", RULE)
    change_password(owner, OTHERS[0], RULE)
    assert not stored(owner).must_change_password


def test_registering_again_looks_at_the_last_passwords_too(caller: Caller, owner: UUID) -> None:
    with pytest.raises(PasswordTooLike):
        register(caller.product_id, person(), None, "Balapan#2028", rule=RULE)
    assert register(caller.product_id, person(), None, OTHERS[0], rule=RULE) == owner
    with pytest.raises(PasswordTooLike):
        register(caller.product_id, person(), None, FIRST, rule=RULE)


@pytest.mark.both_engines
def test_marks_are_erased_with_their_account(app: Flask, owner: UUID) -> None:
    with transaction() as session:
        session.execute(sa.delete(Account).where(Account.id == owner))
    assert how_many(app, AccountPassword) == 0


def test_marks_tell_nothing_to_who_has_only_the_database(
    app: Flask, owner: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other accounts' marks of the same password are others, without the key none can be made, and their number does
    not tell the length."""
    with reading() as session:
        [marks] = session.scalars(sa.select(AccountPassword.marks).where(AccountPassword.account_id == owner)).all()
    assert set(marks_of(owner, FIRST)) < set(marks)
    assert marks == sorted(marks)
    assert not set(marks_of(new_key(), FIRST)) & set(marks)
    for password in ("Qwerty1!", "Ab1!Ab1!Ab1!Ab1!Ab1"):
        other = new_key()
        prepared = history.prepared(other, password, RULE)
        assert len(prepared.marks) < len(marks)
    assert len(marks) == 24
    assert not any(word in mark.casefold() for mark in marks for word in ("balapan", "2026"))

    keyring = app.extensions["pushhub"].keyring
    other_key = type(keyring)("k9", {"k9": b"9" * 32}, b"another index key" * 2)
    monkeypatch.setattr(app.extensions["pushhub"], "keyring", other_key)
    assert not set(marks_of(owner, FIRST)) & set(marks)
