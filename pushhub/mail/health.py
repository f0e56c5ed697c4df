"""Whether mail goes at this moment, for pages that have promised somebody a letter.

A page must not tell who has an account, so what it says of mail may not follow from letters: they are written only
for mailboxes that somebody has. It follows from a look at the mail server that a dispatcher takes when a page asks,
whatever the page is about:

    page asks ──→ asked_at ──→ a dispatcher greets the server ──→ failing_since, or nothing ──→ page asks again
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from aiosmtplib import SMTPException

from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import insert, reading, transaction
from pushhub.mail.models import MailServerLook
from pushhub.mail.rules import MailState
from pushhub.mail.transport import MailTransport, transport_of
from pushhub.queueing.wake import wake_after_commit
from pushhub.queueing.worker import DatabaseThreads

#: The least time between two looks, and how long what was seen is believed.
LOOK_EVERY = timedelta(seconds=3)
_BELIEVED = timedelta(seconds=30)
_ONLY = 1
#: Under this name dispatchers are woken when a page has asked how the mail server is.
MAIL_SERVER = "mail_server"


def mail_state() -> MailState:
    """Whether letters go now. Asking lets a dispatcher look at the mail server, so a page asks again some seconds
    later."""
    if transport_of(current().channels) is None:
        return MailState.NOT_CONFIGURED
    now = clock.now()
    with reading() as session:
        look = session.get(MailServerLook, _ONLY)
    if look is None or look.asked_at is None or look.asked_at <= now - LOOK_EVERY:
        _ask()
    seen = look is not None and look.looked_at is not None and look.looked_at > now - _BELIEVED
    return MailState.DELAYED if seen and look is not None and look.failing_since is not None else MailState.OK


def _ask() -> None:
    row = insert(MailServerLook).values(id=_ONLY, asked_at=clock.now())
    with transaction() as session:
        session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"asked_at": clock.now()}))
        wake_after_commit(session, MAIL_SERVER)


def take_look() -> bool:
    """Whether somebody has asked and it is the caller who looks now: of several dispatchers only one does."""
    now, look = clock.now(), MailServerLook
    due = (
        look.id == _ONLY,
        look.asked_at.is_not(None),
        sa.or_(look.looked_at.is_(None), sa.and_(look.asked_at > look.looked_at, look.looked_at <= now - LOOK_EVERY)),
    )
    with reading() as session:
        if session.scalar(sa.select(look.id).where(*due)) is None:
            return False
    with transaction() as session:
        taken = session.execute(
            sa.update(look)
            .where(*due)
            .values(looked_at=now)
            .returning(look.id)
            .execution_options(synchronize_session=False)
        )
        return taken.first() is not None


def write_down(*, lets_us_in: bool) -> None:
    """Keep what a look at the mail server has shown."""
    since = None if lets_us_in else sa.func.coalesce(MailServerLook.failing_since, clock.now())
    with transaction() as session:
        session.execute(
            sa.update(MailServerLook)
            .where(MailServerLook.id == _ONLY)
            .values(looked_at=clock.now(), failing_since=since)
            .execution_options(synchronize_session=False)
        )


async def look_at_server(database: DatabaseThreads, transport: MailTransport | None) -> bool:
    """See whether the mail server lets us in, if a page has asked. There is never more to do at once."""
    if transport is None or not await database.run(take_look):
        return False
    try:
        await transport.greet()
        lets_us_in = True
    except (SMTPException, OSError):
        lets_us_in = False
    await database.run(partial(write_down, lets_us_in=lets_us_in))
    return False
