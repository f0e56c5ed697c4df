"""What people sign in with, and whose it is. A profile names the kinds; each kind knows how it is written, found and
shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import Account, AccountIdentifier
from pushhub.context import current
from pushhub.identity.email import Email, NotAnEmail
from pushhub.identity.iin import Iin, WrongDigits
from pushhub.identity.login import NotALogin, normal_login
from pushhub.identity.phone import PhoneNumber, as_number
from pushhub.kernel.db import reading
from pushhub.kernel.errors import NumberInvalid


@dataclass(frozen=True, slots=True)
class Identifier:
    """One way to name an account: a keyed digest to find it by, and what people may see of it."""

    kind: str
    digest: str
    masked: str


def by_iin(iin: Iin) -> Identifier:
    """The identifier that an IIN is."""
    return Identifier("iin", current().keyring.lookup_digest("account iin", iin.digits), iin.masked)


def by_number(number: PhoneNumber) -> Identifier:
    """The identifier that a phone number is."""
    return Identifier("number", current().keyring.lookup_digest("account number", number.e164), number.masked)


def by_email(email: Email) -> Identifier:
    """The identifier that an e-mail address is. Capitals make no difference: hardly a server tells them apart."""
    return Identifier("email", current().keyring.lookup_digest("account email", email.address.casefold()), email.masked)


def by_login(text: str) -> Identifier:
    """The identifier that a login (or an account number) is; capitals make no difference. Raises `NotALogin`."""
    login = normal_login(text)
    return Identifier("login", current().keyring.lookup_digest("account login", login.casefold()), f"{login[:2]}****")


def may_be(text: str, kinds: tuple[str, ...], today: date) -> tuple[Identifier, ...]:
    """What a text that was typed into one field for all may be, the likeliest first: an e-mail address has its sign,
    an IIN its check digit, a number its length; a login may be anything."""
    found: list[Identifier] = []
    for kind, read in _READERS.items():
        if kind in kinds:
            with suppress(NotAnEmail, WrongDigits, NumberInvalid, NotALogin):
                found.append(read(text, today))
    return tuple(found)


#: The likeliest first.
_READERS: dict[str, Callable[[str, date], Identifier]] = {
    "email": lambda text, today: by_email(Email.parse(text)),
    "iin": lambda text, today: by_iin(Iin.parse(text, today)),
    "number": lambda text, today: by_number(as_number(text)),
    "login": lambda text, today: by_login(text),
}


def find_account(product_id: UUID, identifier: Identifier) -> Account | None:
    """The account behind an identifier."""
    with reading() as session:
        return account_of(session, product_id, identifier)


def account_of(session: Session, product_id: UUID, identifier: Identifier) -> Account | None:
    """The account that somebody signs in to with an identifier, in the caller's transaction."""
    return session.scalar(
        sa.select(Account)
        .join(AccountIdentifier, AccountIdentifier.account_id == Account.id)
        .where(is_row_of(product_id, identifier))
    )


def is_row_of(product_id: UUID, identifier: Identifier) -> sa.ColumnElement[bool]:
    """Whether a row of `AccountIdentifier` is that of this identifier."""
    row = AccountIdentifier
    return sa.and_(row.product_id == product_id, row.kind == identifier.kind, row.digest == identifier.digest)


def masked_identifiers(session: Session, account_id: UUID) -> list[tuple[str, str]]:
    """What the account is signed in to with, in the caller's transaction: the kind and the masked form of each."""
    row = AccountIdentifier
    found = session.execute(sa.select(row.kind, row.masked).where(row.account_id == account_id))
    return [(kind, masked) for kind, masked in found]
