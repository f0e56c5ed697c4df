"""The mailbox of an account: which address is its own, and telling it of a new password."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.letters.sender import TRIED, LetterWording, Sender, counted_as, write
from pushhub.accounts.models import AccountIdentifier
from pushhub.accounts.profile_data import unsealed_email
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.limits import Window, count_up
from pushhub.mail.transport import transport_of
from pushhub.translations.message_texts import PASSWORD_CHANGED_LETTER, PASSWORD_CHANGED_LETTER_TITLE

log = logging.getLogger(__name__)

PASSWORD_CHANGED = LetterWording("password_changed", PASSWORD_CHANGED_LETTER_TITLE, (PASSWORD_CHANGED_LETTER,))
#: Letters about new passwords to one mailbox: somebody may have registered with an address that is not theirs. Counted
#: by themselves, so that nobody keeps this letter back by asking for others.
_TOLD = Window("password_letters", timedelta(hours=1))
_MOST_TOLD = 5


def own_mailbox(session: Session, account_id: UUID, parent_id: UUID | None, sealed: bytes | None) -> Email | None:
    """The address on file, where it is the account's own. That of a further user (who has a `parent_id`) is typed by
    another, and counts once its reader has confirmed it. None, too, for one that can't be read: it is logged, and must
    not keep anybody from a new password."""
    if sealed is None or (parent_id is not None and not _is_confirmed(session, account_id)):
        return None
    try:
        return unsealed_email(account_id, sealed)
    except (ConfigurationError, ValueError) as problem:
        log.error("address can't be read", extra={"account_id": str(account_id), "cause": type(problem).__name__})
        return None


def tell_of_password(session: Session, sender: Sender | None, account_id: UUID, mailbox: Email | None) -> None:
    """Tell the mailbox that the password was changed, in the caller's transaction.

    Whoever changed it may have the phone: then only the letter reaches the owner. It goes to the address that was on
    file before, even when a link sent there made the change: somebody else may have opened it. Nobody waits for this
    letter, so without a mail server none is written, nor after so many to one mailbox.
    """
    if sender is None or mailbox is None or transport_of(current().channels) is None:
        return
    if count_up(session, _TOLD, counted_as(mailbox)) > _MOST_TOLD:
        return
    now = clock.now()
    write(
        session,
        sender,
        mailbox,
        PASSWORD_CHANGED,
        valid_until=now + TRIED,
        moment=sender.moment(now),
        names=_names(session, account_id),
    )


def _names(session: Session, account_id: UUID) -> str:
    """What the account is signed in to with, masked: one mailbox may be that of several."""
    masked = sa.select(AccountIdentifier.masked).where(AccountIdentifier.account_id == account_id)
    return ", ".join(sorted(session.scalars(masked)))


def _is_confirmed(session: Session, account_id: UUID) -> bool:
    named = sa.select(AccountIdentifier.kind).where(
        AccountIdentifier.account_id == account_id, AccountIdentifier.kind == "email"
    )
    return session.scalar(named) is not None
