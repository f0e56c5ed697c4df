"""Writing letters. They are sent by a dispatcher (`pushhub.mail.worker`)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.ids import new_key
from pushhub.mail.content import Content
from pushhub.mail.models import Letter, letter_context
from pushhub.mail.rules import LetterStatus
from pushhub.queueing.wake import wake_after_commit

#: Under this name dispatchers are woken when there are letters.
LETTERS = "letters"


def post(
    session: Session,
    *,
    product_id: UUID,
    to: str,
    kind: str,
    subject: str,
    text: str,
    html: str | None = None,
    valid_until: datetime,
) -> UUID:
    """Write one letter in the caller's transaction; it goes out after the commit, once, and not after `valid_until`.

    Args:
        to: one mailbox that `pushhub.identity.email.mailbox` takes. Raises ValueError, which quotes nothing.
        kind: what it is for, a word such as `recovery_link`; it stands in logs.
        html: what the text says, as a page (`pushhub.mail.rendering` makes both).
    """
    letter_id, now = new_key(), clock.now()
    content = Content.of(to=to, subject=subject, text=text, html=html)
    session.add(
        Letter(
            id=letter_id,
            product_id=product_id,
            kind=kind,
            status=LetterStatus.QUEUED,
            tries=0,
            claimable_at=now,
            lease_owner=None,
            error=None,
            sealed=current().keyring.seal(content.as_json(), letter_context(letter_id)),
            created_at=now,
            valid_until=valid_until,
            sent_at=None,
            changed_at=now,
        )
    )
    session.flush()
    wake_after_commit(session, LETTERS)
    return letter_id
