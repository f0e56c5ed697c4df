"""Links in letters: what they may, once, for how long, and what is stored of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind, LinkWorthless, Trouble
from pushhub.accounts.models import Account, AccountLink
from pushhub.accounts.people.password_change import change_password
from pushhub.cabinets.loader import read_profile
from pushhub.dispatcher import housekeeping
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import new_key
from pushhub.kernel.logs import redact
from pushhub.products.products import Caller
from tests.cabinet.conftest import account_of
from tests.support.actors import Shop
from tests.support.databases import FakeClock

pytestmark = pytest.mark.both_engines

Make = Callable[..., str]
DATA = {"email": "new.address@example.kz"}


@pytest.fixture
def owner(app: Flask, caller: Caller, account: str) -> Iterator[Account]:
    """Somebody who has an account; within the application."""
    with app.app_context():
        yield account_of(caller)


@pytest.fixture
def make(owner: Account) -> Make:
    def made(kind: LinkKind = LinkKind.RECOVERY, minutes: int = 30) -> str:
        with transaction() as session:
            return links.make_link(session, owner.id, kind, minutes, DATA)

    return made


def trouble_of(secret: str, kind: LinkKind, product_id: UUID) -> Trouble | None:
    """What is the matter with a link, to look at and to use alike."""
    seen: list[Trouble | None] = []
    for attempt in ("look", "use"):
        try:
            if attempt == "look":
                links.look(secret, kind, product_id=product_id)
            else:
                with transaction() as session:
                    links.use(session, secret, kind, product_id=product_id)
                    session.rollback()
            seen.append(None)
        except LinkWorthless as problem:
            seen.append(problem.trouble)
    assert seen[0] == seen[1]
    return seen[0]


def use(secret: str, product_id: UUID, kind: LinkKind = LinkKind.RECOVERY) -> links.Link:
    with transaction() as session:
        return links.use(session, secret, kind, product_id=product_id)


def test_a_link_is_looked_at_often_and_used_once(owner: Account, make: Make) -> None:
    secret = make()
    for _ in range(3):
        found = links.look(secret, LinkKind.RECOVERY, product_id=owner.product_id)
        assert (found.account_id, found.data) == (owner.id, DATA)
    assert use(secret, owner.product_id).data == DATA
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is Trouble.USED
    with pytest.raises(LinkWorthless) as caught:
        use(secret, owner.product_id)
    assert caught.value.account_id == owner.id


def test_a_link_lives_for_its_minutes(owner: Account, make: Make, now: FakeClock) -> None:
    secret = make(minutes=30)
    now.forward(seconds=30 * 60 - 1)
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is None
    now.forward(seconds=1)
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is Trouble.OVER


def test_a_newer_link_ends_the_older_ones_of_its_kind(owner: Account, make: Make) -> None:
    first, other_kind, second = make(), make(LinkKind.EMAIL), make()
    assert trouble_of(first, LinkKind.RECOVERY, owner.product_id) is Trouble.OVER
    assert trouble_of(other_kind, LinkKind.EMAIL, owner.product_id) is None
    assert trouble_of(second, LinkKind.RECOVERY, owner.product_id) is None


@pytest.mark.parametrize(
    ("kind", "after"), [(LinkKind.RECOVERY, Trouble.OVER), (LinkKind.EMAIL, Trouble.OVER), (LinkKind.USER, None)]
)
def test_a_changed_password_ends_what_a_stranger_could_have_asked_for(
    owner: Account, make: Make, kind: LinkKind, after: Trouble | None
) -> None:
    secret = make(kind)
    change_password(owner.id, "Kunshuaq!2027", read_profile("indigo").password)
    assert trouble_of(secret, kind, owner.product_id) is after


def test_a_link_opens_nothing_else(owner: Account, make: Make, make_shop: Callable[..., Shop]) -> None:
    secret, other = make(), make_shop("MINDAL").product.id
    for text, kind, product_id in (
        (secret, LinkKind.EMAIL, owner.product_id),
        (secret, LinkKind.RECOVERY, other),
        (secret[:-1], LinkKind.RECOVERY, owner.product_id),
        (secret.swapcase(), LinkKind.RECOVERY, owner.product_id),
        ("", LinkKind.RECOVERY, owner.product_id),
        ("ә" * 3000, LinkKind.RECOVERY, owner.product_id),
    ):
        assert trouble_of(text, kind, product_id) is Trouble.UNKNOWN
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is None


def test_of_many_at_once_one_uses_it(app: Flask, owner: Account, make: Make) -> None:
    secret = make()

    def try_it(_: int) -> str:
        with app.app_context():
            try:
                use(secret, owner.product_id)
            except LinkWorthless as problem:
                return str(problem.trouble)
            return "mine"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(try_it, range(16)))
    assert sorted(results) == ["mine", *["used"] * 15]


def test_of_many_made_at_once_one_works(app: Flask, owner: Account) -> None:
    def make_one(_: int) -> str:
        with app.app_context(), transaction() as session:
            return links.make_link(session, owner.id, LinkKind.RECOVERY, 30)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make_one, range(8)))
    assert len(set(made)) == 8
    states = [trouble_of(secret, LinkKind.RECOVERY, owner.product_id) for secret in made]
    assert sorted(map(str, states)) == ["None", *["over"] * 7]


def test_what_fails_after_it_leaves_the_link_as_it_was(owner: Account, make: Make) -> None:
    secret = make()

    def use_and_fail() -> None:
        with transaction() as session:
            links.use(session, secret, LinkKind.RECOVERY, product_id=owner.product_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use_and_fail()
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is None


def test_neither_the_secret_nor_what_it_is_about_can_be_read(owner: Account, make: Make) -> None:
    secret = make()
    assert len(secret) == len("phl_") + 43
    with reading() as session:
        [row] = session.execute(sa.select(AccountLink.__table__)).all()
    stored = " ".join(value.hex() + repr(value) if isinstance(value, bytes) else str(value) for value in row)
    for readable in (secret, secret[4:], DATA["email"], DATA["email"].encode().hex()):
        assert readable not in stored
    assert secret[4:] not in redact(f"Invalid request GET /cabinet/portal/link/{secret} HTTP/1.1")


def test_nobody_without_an_account_gets_a_link(owner: Account) -> None:
    with pytest.raises(NotFound), transaction() as session:
        links.make_link(session, new_key(), LinkKind.RECOVERY, 30)


def test_links_of_long_ago_are_forgotten(owner: Account, make: Make, now: FakeClock) -> None:
    secret = make(minutes=30)
    now.forward(days=6)
    housekeeping.sweep()
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is Trouble.OVER
    now.forward(days=2)
    housekeeping.sweep()
    assert trouble_of(secret, LinkKind.RECOVERY, owner.product_id) is Trouble.UNKNOWN
