"""Making products, giving and taking their API keys, and recognising who calls."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption

from pushhub.context import current
from pushhub.events import record
from pushhub.events.models import Tag
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.db import Row, after_commit, again_on_conflict, reading, table_of, transaction
from pushhub.kernel.errors import BadApiKey, ConfigurationError, MissingScope, NotFound, NumberNotAllowed
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest
from pushhub.products.models import ApiKey, Product
from pushhub.products.route import require_configured
from pushhub.products.rules import KEYS_AT_ONCE, Policy, Scope, policy_from


@dataclass(frozen=True, slots=True)
class Caller:
    """A product that has shown a valid API key."""

    product_id: UUID
    product_name: str
    key_id: UUID
    live: bool
    scopes: frozenset[str]
    policy: Policy

    def require(self, scope: Scope) -> None:
        """Raises `MissingScope` unless the key has it."""
        if scope not in self.scopes:
            raise MissingScope(scope=scope)

    def require_country(self, number: PhoneNumber) -> None:
        """Raises `NumberNotAllowed` for a number of a country that the product does not serve."""
        if not self.policy.serves(number.country):
            raise NumberNotAllowed(countries=list(self.policy.countries))


def find_own(
    session: Session, caller: Caller, model: type[Row], key: UUID, *options: ExecutableOption, for_update: bool = False
) -> Row:
    """The caller's row with this key, read anew; `for_update`: it waits for others that change it, and they for it.

    Raises `NotFound`: another product's does not exist for it, nor what was made with a key of the other kind (live,
    test).
    """
    columns = table_of(model).c
    own = sa.select(model).where(
        columns.id == key, columns.product_id == caller.product_id, columns.live == caller.live
    )
    if for_update:
        own = own.with_for_update()
    found = session.scalar(own.options(*options), execution_options={"populate_existing": True})
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only time its text is there."""

    id: UUID
    live: bool
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewProduct:
    product: Product
    live_key: NewKey
    test_key: NewKey


@again_on_conflict
def create_product(name: str, policy: Mapping[str, object] | None = None) -> NewProduct:
    """Make a product with one live and one test key.

    Raises `ConfigurationError` for a name that is taken or unusable and for a policy that is not right.
    """
    name = name.strip()
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise ConfigurationError("A product's name has 1 to 60 printable characters.")
    changes = dict(policy or {})
    require_configured(policy_from(changes).steps, current().channels)
    with transaction() as session:
        if session.scalar(sa.select(Product.id).where(Product.name == name)):
            raise ConfigurationError(f"There is a product named {name!r} already. Choose another name.")
        product = Product(id=new_key(), name=name, policy=changes, created_at=clock.now())
        session.add(product)
        session.flush()
        live = _add_key(session, product.id, live=True, scopes=list(Scope))
        test = _add_key(session, product.id, live=False, scopes=list(Scope))
        return NewProduct(product, live, test)


def set_policy(product_id: UUID, changes: Mapping[str, object]) -> Policy:
    """Change some of a product's policy; what is not named stays. Returns the policy as it is now."""
    with transaction() as session:
        product = _product(session, product_id)
        product.policy = {**product.policy, **changes}
        policy = policy_from(product.policy)
        require_configured(policy.steps, current().channels)
        session.flush()
        after_commit(session, current().recognised.clear)
        return policy


def list_products() -> list[tuple[Product, list[ApiKey]]]:
    """Every product with its keys, oldest first."""
    with reading() as session:
        keys = session.scalars(sa.select(ApiKey).order_by(ApiKey.id)).all()
        products = session.scalars(sa.select(Product).order_by(Product.id)).all()
        return [(product, [key for key in keys if key.product_id == product.id]) for product in products]


def find_product(name: str) -> Product:
    """The product of this name. Raises `NotFound`."""
    with reading() as session:
        product = session.scalar(sa.select(Product).where(Product.name == name))
        if product is None:
            raise NotFound(f"There is no product named {name!r}.")
        return product


def add_key(product_id: UUID, *, live: bool, scopes: Iterable[str] = tuple(Scope)) -> NewKey:
    """Give the product one more key. Raises `ConfigurationError` where two of this kind are valid already."""
    wanted = list(scopes)
    unknown = [scope for scope in wanted if scope not in list(Scope)]
    if unknown or not wanted:
        raise ConfigurationError(f"Scopes are: {', '.join(Scope)}.")
    with transaction() as session:
        # Writing to the product's row makes two rotations at once wait for each other.
        session.execute(sa.update(Product).where(Product.id == product_id).values(name=Product.name))
        _product(session, product_id)
        valid = session.scalar(
            sa.select(sa.func.count())
            .select_from(ApiKey)
            .where(ApiKey.product_id == product_id, ApiKey.live == live, ApiKey.revoked_at.is_(None))
        )
        if (valid or 0) >= KEYS_AT_ONCE:
            kind = "live" if live else "test"
            raise ConfigurationError(
                f"The product has {KEYS_AT_ONCE} valid {kind} keys. First revoke one: pushhub product key revoke."
            )
        return _add_key(session, product_id, live=live, scopes=wanted)


def revoke_key(key_id: UUID) -> None:
    """Make a key worthless from now on. Raises `NotFound`; revoking twice changes nothing."""
    with transaction() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise NotFound("There is no API key with this id.")
        if key.revoked_at is None:
            key.revoked_at = clock.now()
            session.flush()
            after_commit(session, current().recognised.clear)
            record.record(session, Tag.API_KEY_REVOKED, key.id, key.product_id, live=key.live)


_REMEMBERED_SECONDS = 1.0
_REMEMBERED_AT_MOST = 1000

_key, _owner = table_of(ApiKey), table_of(Product)
_BY_DIGEST = (
    sa.select(_key.c.id, _key.c.live, _key.c.scopes, _owner.c.id, _owner.c.name, _owner.c.policy)
    .join_from(_key, _owner, _owner.c.id == _key.c.product_id)
    .where(_key.c.digest == sa.bindparam("digest"), _key.c.revoked_at.is_(None))
)


def recognise(key: str) -> Caller:
    """Who calls with this API key. Raises `BadApiKey` for one that was never given or has been revoked.

    Whoever was recognised is remembered for a second, which spares a busy product a fifth of each request. A change
    in this process counts at once, one in another process (the command line) within that second.
    """
    if not key.startswith(("phk_live_", "phk_test_")):
        raise BadApiKey
    digest = secret_digest(key)
    remembered = current().recognised
    caller, until = remembered.get(digest, (None, 0.0))
    now = time.monotonic()
    if caller is not None and now < until:
        return cast(Caller, caller)
    with reading() as session:
        row = session.connection().execute(_BY_DIGEST, {"digest": digest}).first()
    if row is None:
        raise BadApiKey
    key_id, live, scopes, product_id, name, policy = row
    caller = Caller(product_id, name, key_id, live, frozenset(scopes), policy_from(policy))
    if len(remembered) >= _REMEMBERED_AT_MOST:
        remembered.clear()
    remembered[digest] = caller, now + _REMEMBERED_SECONDS
    return caller


def caller_for(product: Product) -> Caller:
    """The product itself as a caller, for parts of the service that act for it (the start page)."""
    return Caller(product.id, product.name, product.id, True, frozenset(Scope), policy_from(product.policy))


def _product(session: Session, product_id: UUID) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("There is no product with this id.")
    return product


def _add_key(session: Session, product_id: UUID, *, live: bool, scopes: list[str]) -> NewKey:
    text = f"phk_{'live' if live else 'test'}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        id=new_key(),
        product_id=product_id,
        digest=secret_digest(text),
        live=live,
        scopes=[str(scope) for scope in scopes],
        created_at=clock.now(),
    )
    session.add(key)
    session.flush()
    record.record(session, Tag.API_KEY_CREATED, key.id, product_id, live=live)
    return NewKey(key.id, live, text)
