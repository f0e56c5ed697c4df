"""Links in letters that do one thing, once: a new password, the confirmation of an e-mail address.

    made ──→ looked at, as often as one likes ──→ used, by what is done on its page
      └────→ over: out of time, or a newer letter was sent, or the password was changed

Only a digest of what is in the link is stored. To look at one changes nothing: mail scanners open links too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import Account, AccountLink, link_context
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import advisory_lock, reading
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest

#: What a link's secret begins with, so that logs know it and hide it (`pushhub.kernel.logs`).
_MARK = "phl_"
#: How long a link that is over is remembered, so that its page can say what became of it.
_KEPT = timedelta(days=7)


class LinkKind(StrEnum):
    """The purposes of a link."""

    #: A new password in place of a forgotten one.
    RECOVERY = "recovery"
    #: An e-mail address that somebody gave for their own account.
    EMAIL = "email"
    #: The e-mail address of a further user, whom somebody else has made.
    USER = "user"


#: A changed password ends these: whoever changed it may have found a stranger in the account. An address that waits
#: for its first confirmation is no way into anything.
_ENDED_BY_PASSWORD = (LinkKind.RECOVERY, LinkKind.EMAIL)


class Trouble(StrEnum):
    """Why a link is worth nothing."""

    #: There never was such a link, or it is of another cabinet, or it was copied with a slip.
    UNKNOWN = "unknown"
    USED = "used"
    OVER = "over"


class LinkWorthless(Exception):
    """The link does nothing (any more). `account_id` is known where it was a link once."""

    def __init__(self, trouble: Trouble, account_id: UUID | None = None) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.account_id = account_id


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can be used."""

    account_id: UUID
    kind: LinkKind
    expires_at: datetime
    #: What it is about, as it was given to `make_link`.
    data: Mapping[str, Any] = field(repr=False)


def make_link(
    session: Session, account_id: UUID, kind: LinkKind, minutes: int, data: Mapping[str, Any] | None = None
) -> str:
    """Make a link in the caller's transaction and return its secret (256 random bits), which is nowhere else. It ends
    those of the same kind that the account had. Raises `NotFound`."""
    product_id = session.scalar(sa.select(Account.product_id).where(Account.id == account_id))
    if product_id is None:
        raise NotFound
    advisory_lock(session, f"links of {account_id}")
    _end(session, account_id, (kind,))
    key, secret = new_key(), f"{_MARK}{secrets.token_urlsafe(32)}"
    session.execute(sa.insert(AccountLink).values(_columns(key, product_id, account_id, kind, minutes, data, secret)))
    return secret


def rehearse_link(session: Session, product_id: UUID, kind: LinkKind, minutes: int) -> str:
    """What `make_link` does, where there is no account to do it for, so that it takes as long. The caller takes it
    back: the row stands in some other account's name."""
    nobody = new_key()
    session.scalar(sa.select(Account.product_id).where(Account.id == nobody))
    advisory_lock(session, f"links of {nobody}")
    _end(session, nobody, (kind,))
    key, secret = new_key(), f"{_MARK}{secrets.token_urlsafe(32)}"
    somebody = session.scalar(sa.select(Account.id).where(Account.product_id == product_id).limit(1))
    if somebody is not None:
        session.execute(sa.insert(AccountLink).values(_columns(key, product_id, somebody, kind, minutes, None, secret)))
    return secret


def look(secret: str, kind: LinkKind, *, product_id: UUID) -> Link:
    """What the link is for; it stays as it is. Raises `LinkWorthless`."""
    with reading() as session:
        return _found(_row(session, secret, kind, product_id))


def use(session: Session, secret: str, kind: LinkKind, *, product_id: UUID) -> Link:
    """Use the link up in the caller's transaction: of two at once one does. Raises `LinkWorthless`."""
    row = _row(session, secret, kind, product_id)
    found, now = _found(row), clock.now()
    taken = session.execute(
        sa.update(AccountLink)
        .where(AccountLink.digest == secret_digest(secret), AccountLink.used_at.is_(None), AccountLink.expires_at > now)
        .values(used_at=now)
        .returning(AccountLink.id)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        raise LinkWorthless(Trouble.USED, found.account_id)
    return found


def end_with_password(session: Session, account_id: UUID) -> None:
    """The password was changed: end what could have been asked for by whoever knew the one before."""
    _end(session, account_id, _ENDED_BY_PASSWORD)


def end_all(session: Session, account_id: UUID, kind: LinkKind) -> None:
    """End the account's links of this kind, in the caller's transaction."""
    _end(session, account_id, (kind,))


def sweep(session: Session) -> None:
    """Forget links that have been over for long."""
    session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < clock.now() - _KEPT))


def _columns(
    key: UUID,
    product_id: UUID,
    account_id: UUID,
    kind: LinkKind,
    minutes: int,
    data: Mapping[str, Any] | None,
    secret: str,
) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": key,
        "product_id": product_id,
        "account_id": account_id,
        "kind": kind,
        "digest": secret_digest(secret),
        "data_sealed": current().keyring.seal(json.dumps(dict(data)), link_context(key)) if data else None,
        "created_at": now,
        "expires_at": now + timedelta(minutes=minutes),
        "used_at": None,
    }


def _row(session: Session, secret: str, kind: LinkKind, product_id: UUID) -> AccountLink | None:
    return session.scalar(
        sa.select(AccountLink).where(
            AccountLink.digest == secret_digest(secret),
            AccountLink.kind == kind,
            AccountLink.product_id == product_id,
        )
    )


def _found(row: AccountLink | None) -> Link:
    if row is None:
        raise LinkWorthless(Trouble.UNKNOWN)
    if row.used_at is not None:
        raise LinkWorthless(Trouble.USED, row.account_id)
    if row.expires_at <= clock.now():
        raise LinkWorthless(Trouble.OVER, row.account_id)
    text = current().keyring.unseal(row.data_sealed, link_context(row.id)) if row.data_sealed is not None else "{}"
    return Link(row.account_id, LinkKind(row.kind), row.expires_at, json.loads(text))


def _end(session: Session, account_id: UUID, kinds: tuple[LinkKind, ...]) -> None:
    now = clock.now()
    session.execute(
        sa.update(AccountLink)
        .where(
            AccountLink.account_id == account_id,
            AccountLink.kind.in_(kinds),
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > now,
        )
        .values(expires_at=now)
        .execution_options(synchronize_session=False)
    )
