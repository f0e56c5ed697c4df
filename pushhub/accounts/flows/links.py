"""Links in letters that do one thing, once: a new password, the confirmation of an e-mail address.

    made ──→ looked at, as often as one likes ──→ used, by what is done on its page
      └────→ over: out of time, or a newer letter was sent, or the password was changed

Only a digest of what is in the link is stored. To look at one changes nothing: mail scanners open links too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
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
ENDED_BY_PASSWORD = (LinkKind.RECOVERY, LinkKind.EMAIL)


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
    return _replace(session, account_id, product_id, account_id, kind, minutes, data or {})


def rehearse_link(session: Session, product_id: UUID, kind: LinkKind, minutes: int) -> str:
    """What `make_link` does, where there is no account to do it for, so that it takes as long. The caller takes it
    back: the row stands in some other account's name."""
    nobody = new_key()
    session.scalar(sa.select(Account.product_id).where(Account.id == nobody))
    somebody = session.scalar(sa.select(Account.id).where(Account.product_id == product_id).limit(1))
    return _replace(session, nobody, product_id, somebody, kind, minutes, {})


def _replace(
    session: Session,
    whose: UUID,
    product_id: UUID,
    account_id: UUID | None,
    kind: LinkKind,
    minutes: int,
    data: Mapping[str, Any],
) -> str:
    """End the links of the account `whose`, and write one in the name of `account_id`, if there is anybody."""
    advisory_lock(session, f"links of {whose}")
    end(session, whose, kind)
    key, secret, now = new_key(), f"{_MARK}{secrets.token_urlsafe(32)}", clock.now()
    if account_id is not None:
        session.execute(
            sa.insert(AccountLink).values(
                id=key,
                product_id=product_id,
                account_id=account_id,
                kind=kind,
                digest=secret_digest(secret),
                data_sealed=current().keyring.seal(json.dumps(dict(data)), link_context(key)) if data else None,
                created_at=now,
                expires_at=now + timedelta(minutes=minutes),
            )
        )
    return secret


def look(secret: str, *kinds: LinkKind, product_id: UUID) -> Link:
    """What the link, which is of one of these kinds, is for; it stays as it is. Raises `LinkWorthless`."""
    with reading() as session:
        return _usable(session, secret, kinds, product_id)


def use(session: Session, secret: str, kind: LinkKind, *, product_id: UUID) -> Link:
    """Use the link up in the caller's transaction: of two at once one does. Raises `LinkWorthless`."""
    found, now = _usable(session, secret, (kind,), product_id), clock.now()
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


def end(session: Session, account_id: UUID, *kinds: LinkKind) -> None:
    """End the account's links of these kinds, in the caller's transaction."""
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


def sweep(session: Session) -> None:
    """Forget links that have been over for long."""
    session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < clock.now() - _KEPT))


def _usable(session: Session, secret: str, kinds: Sequence[LinkKind], product_id: UUID) -> Link:
    row = session.scalar(
        sa.select(AccountLink).where(
            AccountLink.digest == secret_digest(secret),
            AccountLink.kind.in_(kinds),
            AccountLink.product_id == product_id,
        )
    )
    if row is None:
        raise LinkWorthless(Trouble.UNKNOWN)
    if row.used_at is not None:
        raise LinkWorthless(Trouble.USED, row.account_id)
    if row.expires_at <= clock.now():
        raise LinkWorthless(Trouble.OVER, row.account_id)
    text = current().keyring.unseal(row.data_sealed, link_context(row.id)) if row.data_sealed is not None else "{}"
    return Link(row.account_id, LinkKind(row.kind), json.loads(text))
