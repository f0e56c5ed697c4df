"""The tree of further users: who may do what, and what happens at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from pushhub.accounts.letters.sender import Sender, TooManyLetters
from pushhub.accounts.models import Account
from pushhub.accounts.people import own_login_and_email, users
from pushhub.accounts.people.register import IdentifierTaken
from pushhub.accounts.people.users import ChangedMeanwhile, GivenPassword, TooManyUsers, User, UserDetails
from pushhub.cabinets.loader import read_profile
from pushhub.identity.email import Email
from pushhub.kernel.db import reading
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import new_key
from pushhub.products.products import Caller
from tests.cabinet.owners import Owner, a_sender, letters, stored
from tests.support.databases import FakeClock
from tests.support.rows import how_many

pytestmark = pytest.mark.both_engines

CABINETS = ("kaztranscom",)
RULE = read_profile("kaztranscom").password
Add = Callable[..., Account]
GIVEN = GivenPassword("Given2026Word", RULE, mailed=False)


@pytest.fixture
def sender(caller: Caller) -> Sender:
    return a_sender(caller.product_id)


@pytest.fixture
def add(app: Flask, sender: Sender) -> Add:
    """Somebody adds a user: `add(actor, "anna")`."""

    def one(actor: Account, name: str, *, may_add_users: bool = False, most: int = 20) -> Account:
        details = UserDetails(Email(f"{name}@example.kz"), name=name, may_add_users=may_add_users)
        with app.app_context():
            key = new_key()
            users.add_user(actor, key, details, GIVEN, sender, most=most)
            with reading() as session:
                return session.get_one(Account, key)

    return one


def names_below(app: Flask, actor: Account) -> list[str]:
    with app.app_context():
        return sorted(user.details.name for user in users.users_below(actor.id))


# --- who sees and changes whom -------------------------------------------------------------------------------------


def test_everybody_sees_those_below_and_nobody_else(app: Flask, owner: Account, add: Add) -> None:
    anna, clara = add(owner, "anna", may_add_users=True), add(owner, "clara", may_add_users=True)
    boris = add(anna, "boris", may_add_users=True)
    dana = add(boris, "dana")
    stranger = Owner("5120", "КТС-КТС-14", "other@example.kz").registered(app)
    assert names_below(app, owner) == ["anna", "boris", "clara", "dana"]
    assert names_below(app, anna) == ["boris", "dana"]
    assert names_below(app, clara) == []
    assert names_below(app, stranger) == []
    with app.app_context():
        for actor, others in (
            (anna, (owner, anna, clara)),
            (boris, (owner, anna, boris, clara)),
            (clara, (anna, boris, dana)),
            (stranger, (owner, anna, dana)),
            (owner, (owner, stranger)),
        ):
            for other in others:
                with pytest.raises(NotFound):
                    users.find_user(actor.id, other.id)


def test_a_child_changes_and_removes_neither_its_parent_nor_its_parents_siblings(
    app: Flask, owner: Account, add: Add, sender: Sender
) -> None:
    anna, clara = add(owner, "anna", may_add_users=True), add(owner, "clara")
    boris = add(anna, "boris", may_add_users=True)
    with app.app_context():
        for other in (owner, anna, clara, boris):
            seen = User(other.id, UserDetails(Email("anna@example.kz"), name="anna"), False, anna.created_at)
            with pytest.raises(NotFound):
                users.change_user(boris, seen, seen.details, GIVEN, sender)
            with pytest.raises(NotFound):
                users.remove_user(boris, other.id)
            with pytest.raises(NotFound):
                users.write_again(boris, other.id, sender)
        assert stored(app, anna).password_hash == anna.password_hash
    assert names_below(app, owner) == ["anna", "boris", "clara"]


def test_without_the_right_nobody_is_added_changed_or_removed(
    app: Flask, owner: Account, add: Add, sender: Sender
) -> None:
    anna = add(owner, "anna", may_add_users=True)
    boris = add(anna, "boris")
    with app.app_context():
        seen = users.find_user(owner.id, anna.id)
        users.change_user(owner, seen, replace(seen.details, may_add_users=False), None, sender)
        # `anna` is the row as it was while she had the right: what counts is what stands now.
        with pytest.raises(NotFound):
            users.add_user(anna, new_key(), UserDetails(Email("new@example.kz")), GIVEN, sender, most=20)
        with pytest.raises(NotFound):
            users.remove_user(anna, boris.id)
        below = users.find_user(owner.id, boris.id)
        with pytest.raises(NotFound):
            users.change_user(anna, below, replace(below.details, may_add_users=True), None, sender)
    assert names_below(app, owner) == ["anna", "boris"]


def test_whoever_is_removed_leaves_those_below_to_the_one_who_removes(app: Flask, owner: Account, add: Add) -> None:
    anna = add(owner, "anna", may_add_users=True)
    boris = add(anna, "boris", may_add_users=True)
    add(boris, "dana")
    with app.app_context():
        users.remove_user(owner, anna.id)
        users.remove_user(owner, anna.id)  # a double click
        with pytest.raises(NotFound):
            users.remove_user(owner, new_key())
    assert names_below(app, owner) == ["boris", "dana"]
    assert names_below(app, boris) == ["dana"]
    assert stored(app, boris).parent_id == owner.id


# --- at the same time ----------------------------------------------------------------------------------------------


def test_of_two_at_once_with_one_address_one_is_added(app: Flask, owner: Account, add: Add) -> None:
    def one(_: int) -> str:
        try:
            add(owner, "Anna")
        except IdentifierTaken as taken:
            return str(taken.kinds)
        return "added"

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(one, range(5))) == ["('email',)"] * 4 + ["added"]
    assert len(letters(app)) == 1


def test_what_is_sent_twice_at_once_is_done_once(app: Flask, owner: Account, sender: Sender) -> None:
    key = new_key()

    def one(_: int) -> None:
        with app.app_context():
            users.add_user(owner, key, UserDetails(Email("anna@example.kz")), GIVEN, sender, most=20)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert len(letters(app)) == 1
    with app.app_context():
        assert [user.id for user in users.users_below(owner.id)] == [key]


def test_nobody_takes_over_an_account_by_naming_its_key(app: Flask, owner: Account, sender: Sender, add: Add) -> None:
    stranger = Owner("5120", "КТС-КТС-14", "other@example.kz").registered(app)
    theirs = add(stranger, "theirs")
    with app.app_context():
        for key in (stranger.id, theirs.id, owner.id):
            with pytest.raises(NotFound):
                users.add_user(owner, key, UserDetails(Email("x@example.kz")), GIVEN, sender, most=20)
    assert names_below(app, owner) == []


def test_there_are_never_more_than_the_profile_says(app: Flask, owner: Account, add: Add) -> None:
    def one(place: int) -> bool:
        try:
            add(owner, f"u{place}", most=3)
        except TooManyUsers:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(6))) == 3
    assert len(names_below(app, owner)) == 3


def test_nobody_is_lost_whom_somebody_adds_while_being_removed(
    app: Flask, owner: Account, sender: Sender, add: Add
) -> None:
    anna = add(owner, "anna", may_add_users=True)

    def act(place: int) -> int:
        with app.app_context():
            if place == 2:
                users.remove_user(owner, anna.id)
                return 0
            try:
                users.add_user(anna, new_key(), UserDetails(Email(f"u{place}@example.kz")), GIVEN, sender, most=20)
            except NotFound:  # she is removed already
                return 0
            return 1

    with ThreadPoolExecutor(5) as pool:
        added = sum(pool.map(act, range(5)))
    assert len(names_below(app, owner)) == added
    assert how_many(app, Account) == added + 1


def test_of_two_who_confirm_one_address_at_once_one_has_it(
    app: Flask, caller: Caller, owner: Account, sender: Sender, add: Add
) -> None:
    other = Owner("5120", "КТС-КТС-14", "other@example.kz").registered(app)
    for each in (owner, other):
        add(each, "anna")
    secrets = [letter.text.partition("https://x/")[2].split()[0] for letter in letters(app)]

    def use(secret: str) -> bool:
        with app.app_context():
            try:
                own_login_and_email.confirm_email(caller.product_id, secret, sender)
            except IdentifierTaken:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, secrets)) == [False, True]
    with app.app_context():
        confirmed = [user.confirmed for each in (owner, other) for user in users.users_below(each.id)]
    assert sorted(confirmed) == [False, True]


def test_of_two_who_change_one_user_the_second_is_told(app: Flask, owner: Account, sender: Sender, add: Add) -> None:
    anna = add(owner, "anna")
    with app.app_context():
        seen = users.find_user(owner.id, anna.id)
        users.change_user(owner, seen, replace(seen.details, position="бухгалтер"), None, sender)
        with pytest.raises(ChangedMeanwhile):
            users.change_user(owner, seen, replace(seen.details, position="директор"), None, sender)
        assert users.find_user(owner.id, anna.id).details.position == "бухгалтер"


def test_nobody_is_flooded_with_letters(app: Flask, owner: Account, sender: Sender, add: Add, now: FakeClock) -> None:
    anna = add(owner, "anna")
    with app.app_context():
        for _ in range(4):
            assert users.write_again(owner, anna.id, sender)
        with pytest.raises(TooManyLetters) as refused:
            users.write_again(owner, anna.id, sender)
        assert refused.value.until > now()
        now.forward(hours=1)
        assert users.write_again(owner, anna.id, sender)
    assert len(letters(app)) == 6
