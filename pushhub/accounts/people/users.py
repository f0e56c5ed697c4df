"""Further users of one cabinet. Who made whom is a tree: everybody sees and changes those below themselves, and nobody
else; never themselves, nor whoever made them.

    owner ──→ anna (may add users) ──→ boris
      └─────→ clara

Two people who change one tree at once take turns. A user who is removed leaves those below to whoever removed them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.events import EventKind, note
from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters import users
from pushhub.accounts.letters.sender import Sender
from pushhub.accounts.letters.users import GivenPassword
from pushhub.accounts.models import Account, AccountEvent, AccountIdentifier, AccountSession
from pushhub.accounts.passwords import history
from pushhub.accounts.people.password_change import set_password
from pushhub.accounts.people.register import IdentifierTaken, NewAccount, create_in
from pushhub.accounts.profile_data import email_of, profile_data_of, sealed_email, sealed_profile_data
from pushhub.identity.email import Email
from pushhub.kernel.db import advisory_lock, lock_no_key_update, reading, transaction
from pushhub.kernel.errors import NotFound

#: What is kept of a user besides the e-mail address: the names in its profile data.
USER_FIELDS = ("surname", "name", "position")


class TooManyUsers(Exception):
    """The cabinet has as many further users as it may."""


class ChangedMeanwhile(Exception):
    """Somebody else has changed this user since the form was opened."""


class SomebodyElse(Exception):
    """The form has added a user already, and what it says now is about another."""


@dataclass(frozen=True, slots=True)
class UserDetails:
    """The particulars of a user, as whoever adds them gives them."""

    email: Email
    surname: str = ""
    name: str = ""
    position: str = ""
    may_add_users: bool = False

    @property
    def profile_data(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if name in USER_FIELDS and value}


@dataclass(frozen=True, slots=True)
class User:
    """A user as those above see them. `confirmed`: the e-mail address is theirs; before that nobody signs in."""

    id: UUID
    details: UserDetails
    confirmed: bool
    password_set_at: datetime


def may_manage(account: Account) -> bool:
    """Whether this account may have further users: whoever registered the cabinet, and whom they let."""
    return account.parent_id is None or account.may_add_users


def root_of(account: Account) -> Account:
    """Whoever registered the cabinet of which this account is a user."""
    if account.parent_id is None:
        return account
    with reading() as session:
        return session.get_one(Account, _root(session, account.id))


def users_below(actor_id: UUID) -> list[User]:
    """All users below somebody, those that were added first in front."""
    with reading() as session:
        rows = session.scalars(sa.select(Account).where(Account.id.in_(_below(actor_id))).order_by(Account.id)).all()
        confirmed = _confirmed(session, actor_id)
    return [_seen(row, row.id in confirmed) for row in rows]


def find_user(actor_id: UUID, user_id: UUID) -> User:
    """One of them. Raises `NotFound` for everybody else."""
    with reading() as session:
        row = _one_below(session, actor_id, user_id)
        return _seen(row, row.id in _confirmed(session, actor_id))


def add_user(
    actor: Account, user_id: UUID, details: UserDetails, password: GivenPassword, sender: Sender, *, most: int
) -> None:
    """Add a user below the actor and ask them by letter to confirm the address. Repeating it with the same `user_id`
    and the same details changes nothing.

    Raises `SomebodyElse` where there is a user with this id and other details, `NotFound` where the actor may not (any
    more), `IdentifierTaken` where this cabinet has a user with the
    address, `TooManyUsers` and `TooManyLetters`. Whether another cabinet knows the address is told to nobody but
    whoever opens its mailbox.
    """
    prepared = history.prepared(user_id, password.text, password.rule)
    with transaction() as session:
        root_id = _take_turn(session, actor.id)
        known = session.get(Account, user_id)
        if known is not None:
            if _seen(_one_below(session, actor.id, user_id), False).details != details:
                raise SomebodyElse
            return
        tree = _tree(session, root_id)
        _refuse_taken(tree, details.email)
        if len(tree) > most:
            raise TooManyUsers
        create_in(
            session,
            actor.product_id,
            NewAccount(
                identifiers=(),
                email=details.email,
                profile_data=details.profile_data,
                parent_id=actor.id,
                may_add_users=details.may_add_users,
                must_change_password=True,
            ),
            prepared,
        )
        note(session, actor.id, EventKind.USER_ADDED, user=details.email.masked)
        users.invite(session, sender, by=actor.id, account_id=user_id, email=details.email, given=password)


def change_user(
    actor: Account, seen: User, details: UserDetails, password: GivenPassword | None, sender: Sender
) -> None:
    """Change a user below the actor, as the form showed them. A new address has to be confirmed anew; with it or with a
    new password the user's sessions end.

    Raises `NotFound`, `ChangedMeanwhile`, `IdentifierTaken`, `TooManyLetters`.
    """
    prepared = history.prepared(seen.id, password.text, password.rule) if password is not None else None
    with transaction() as session:
        root_id = _take_turn(session, actor.id)
        row = _one_below(session, actor.id, seen.id, hold=True)
        now = _seen(row, row.id in _confirmed(session, actor.id))
        if (now.details, now.password_set_at) != (seen.details, seen.password_set_at):
            raise ChangedMeanwhile
        mailed = password.text if password is not None and password.mailed else None
        is_new = details.email.address != now.details.email.address
        if is_new:
            _refuse_taken([other for other in _tree(session, root_id) if other.id != row.id], details.email)
            _take_address_away(session, row)
        kept = {name: value for name, value in profile_data_of(row).items() if name not in USER_FIELDS}
        session.execute(
            sa.update(Account)
            .where(Account.id == row.id)
            .values(
                email_sealed=sealed_email(row.id, details.email),
                particulars_sealed=sealed_profile_data(row.id, kept | details.profile_data),
                may_add_users=details.may_add_users,
            )
        )
        if prepared is not None:
            # A letter with the new password, or to an address that is not confirmed, says it by itself or not at all.
            told = sender if mailed is None and now.confirmed and not is_new else None
            set_password(session, prepared, must_change=True, sender=told)
        if is_new or (mailed is not None and not now.confirmed):
            users.invite(session, sender, by=actor.id, account_id=row.id, email=details.email, given=password)
        elif mailed is not None:
            users.send_password(session, sender, by=actor.id, email=details.email, password=mailed)
        if details != now.details or prepared is not None:
            note(session, actor.id, EventKind.USER_CHANGED, user=details.email.masked)


def write_again(actor: Account, user_id: UUID, sender: Sender) -> bool:
    """Send the letter with the link once more; the link before ends. False where the address is confirmed already.

    Raises `NotFound`, `TooManyLetters`.
    """
    with transaction() as session:
        _take_turn(session, actor.id)
        row = _one_below(session, actor.id, user_id)
        if row.id in _confirmed(session, actor.id):
            return False
        email = _seen(row, False).details.email
        users.invite(session, sender, by=actor.id, account_id=row.id, email=email, given=None)
        return True


def remove_user(actor: Account, user_id: UUID) -> None:
    """Remove a user below the actor; the actor takes over whom that user has made. Repeating it changes nothing.

    Raises `NotFound`.
    """
    with transaction() as session:
        _take_turn(session, actor.id)
        if session.get(Account, user_id) is None and _has_removed(session, actor.id, user_id):
            return
        row = _one_below(session, actor.id, user_id)
        session.execute(sa.update(Account).where(Account.parent_id == row.id).values(parent_id=actor.id))
        session.execute(sa.delete(Account).where(Account.id == row.id))
        note(session, actor.id, EventKind.USER_REMOVED, user=_seen(row, False).details.email.masked, id=row.id.hex)


def _take_turn(session: Session, actor_id: UUID) -> UUID:
    """Let changes of one tree wait for each other, and look whether the actor may make them now: the tree's root."""
    root_id = _root(session, actor_id)
    advisory_lock(session, f"users of {root_id}")
    acting = session.get(Account, actor_id, populate_existing=True)
    if acting is None or not may_manage(acting):
        raise NotFound
    return root_id


def _root(session: Session, account_id: UUID) -> UUID:
    """Whoever stands above all others of the account's tree. It never changes. Raises `NotFound`."""
    up = sa.select(Account.id, Account.parent_id).where(Account.id == account_id).cte("up", recursive=True)
    up = up.union(sa.select(Account.id, Account.parent_id).where(Account.id == up.c.parent_id))
    found: UUID | None = session.scalar(sa.select(up.c.id).where(up.c.parent_id.is_(None)))
    if found is None:
        raise NotFound
    return found


def _below(actor_id: UUID) -> sa.Select[tuple[UUID]]:
    """The keys of everybody below somebody."""
    below = sa.select(Account.id).where(Account.parent_id == actor_id).cte("below", recursive=True)
    below = below.union(sa.select(Account.id).where(Account.parent_id == below.c.id))
    return sa.select(below.c.id)


def _one_below(session: Session, actor_id: UUID, user_id: UUID, *, hold: bool = False) -> Account:
    """Raises `NotFound`. `hold`: nobody else changes them until the transaction ends."""
    statement = sa.select(Account).where(Account.id == user_id, Account.id.in_(_below(actor_id)))
    row = session.scalar(lock_no_key_update(statement, Account) if hold else statement)
    if row is None:
        raise NotFound
    return row


def _tree(session: Session, root_id: UUID) -> list[Account]:
    """The owner and all users."""
    everybody = sa.or_(Account.id == root_id, Account.id.in_(_below(root_id)))
    return list(session.scalars(sa.select(Account).where(everybody)))


def _refuse_taken(tree: list[Account], email: Email) -> None:
    addresses = [known.address.casefold() for known in map(email_of, tree) if known is not None]
    if email.address.casefold() in addresses:
        raise IdentifierTaken("email")


def _confirmed(session: Session, actor_id: UUID) -> frozenset[UUID]:
    """Who of those below is signed in to with an e-mail address."""
    return frozenset(
        session.scalars(
            sa.select(AccountIdentifier.account_id).where(
                AccountIdentifier.kind == "email", AccountIdentifier.account_id.in_(_below(actor_id))
            )
        )
    )


def _take_address_away(session: Session, row: Account) -> None:
    """With the address before nobody signs in any more, nobody is signed in, and no link to it does anything."""
    # First, so that what a link does at this moment is done, and then undone below.
    links.end(session, row.id, *LinkKind)
    session.execute(
        sa.delete(AccountIdentifier).where(AccountIdentifier.account_id == row.id, AccountIdentifier.kind == "email")
    )
    session.execute(sa.delete(AccountSession).where(AccountSession.account_id == row.id))


def _has_removed(session: Session, actor_id: UUID, user_id: UUID) -> bool:
    """Whether the actor removed this user a moment ago: then the form was sent twice."""
    events = session.scalars(
        sa.select(AccountEvent.data)
        .where(AccountEvent.account_id == actor_id, AccountEvent.kind == EventKind.USER_REMOVED)
        .order_by(AccountEvent.id.desc())
        .limit(20)
    )
    return any(data.get("id") == user_id.hex for data in events)


def _seen(row: Account, confirmed: bool) -> User:
    email, known = email_of(row), profile_data_of(row)
    if email is None:
        raise NotFound  # a user is made with an address and has none but in a database that was changed by hand
    details = UserDetails(email, may_add_users=row.may_add_users, **{name: known.get(name, "") for name in USER_FIELDS})
    return User(row.id, details, confirmed, row.password_changed_at)
