"""Finding the account that an identifier names."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import Account, AccountIdentifier
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.kernel.db import reading


def find_account(product_id: UUID, identifier: Identifier) -> Account | None:
    """The account behind an identifier."""
    with reading() as session:
        return account_of(session, product_id, identifier)


def account_of(session: Session, product_id: UUID, identifier: Identifier) -> Account | None:
    """The account that somebody signs in to with an identifier, in the caller's transaction."""
    return session.scalar(
        sa.select(Account)
        .join(AccountIdentifier, AccountIdentifier.account_id == Account.id)
        .where(
            AccountIdentifier.product_id == product_id,
            AccountIdentifier.kind == identifier.kind,
            AccountIdentifier.digest == identifier.digest,
        )
    )
