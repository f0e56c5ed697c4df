"""Whether a new password is one of an account's last ones, or like one of them, without keeping any of them.

Of a password marks are kept: keyed and slow digests of it and of some texts that it shares with its like. A new
password that shares one mark with an old one is like it:

    the password, without capitals and with look-alikes made one    Balapan#2026   B@lapan#2O26
    the same without one of its characters, each in turn            Balapan#2026   Balapan#2027, Balapn#2026
    the same turned and read backwards, whichever comes first       Balapan#2026   2026Balapan#, 6202#napalaB
    what is left without what stands before and after the letters   Balapan#2026   Balapan!3000

What keeps them unread stands in docs/decisions/0023-password-likeness.md.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from argon2.low_level import Type, hash_secret_raw
from sqlalchemy.orm import Session

from pushhub.accounts import costs
from pushhub.accounts.costs import Argon2
from pushhub.accounts.models import Account, AccountPassword
from pushhub.accounts.passwords import hashing
from pushhub.accounts.passwords.rules import PasswordRule, normal
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import reading
from pushhub.kernel.ids import new_key

#: Characters that are put for each other, Cyrillic letters among them: the first of each stands for all.
_ALIKE = ("o0о", "l1i!|і", "e3е", "a4@а", "s5$", "t7", "b8", "pр", "cс", "yу", "xх")
_LOOK_ALIKES = {ord(each): alike[0] for alike in _ALIKE for each in alike[1:]}
#: A stem of fewer letters is no word that a password is built around.
_SHORTEST_STEM = 4
_MARK_BYTES = 12
#: Passwords have so many marks, or twice as many, and so on: their number does not tell the length.
_MARKS_AT_ONCE = 24


class PasswordTooLike(Exception):
    """The password is one of the last ones of its account, or like one of them."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that is ready to be stored. It takes a while to make, so it is made outside a transaction."""

    account_id: UUID
    hash: str = field(repr=False)
    marks: tuple[str, ...] = field(repr=False)
    #: How many passwords are remembered, this one among them; None: nothing is changed in what is remembered.
    remembered: int | None


def prepared(account_id: UUID, password: str, rule: PasswordRule | None) -> NewPassword:
    """A password for this account. Without a rule nothing is remembered of it."""
    remembered = rule.remembered if rule is not None else None
    marks = marks_of(account_id, password) if remembered else ()
    return NewPassword(account_id, hashing.hashed(password), marks, remembered)


def refuse_like(new: NewPassword, password: str) -> None:
    """Raises `PasswordTooLike`. The present password may have no marks (it is of before the rule, or an operator set
    it), but can be compared."""
    if not new.remembered:
        return
    with reading() as session:
        kept = session.scalars(
            sa.select(AccountPassword.marks)
            .where(AccountPassword.account_id == new.account_id)
            .order_by(AccountPassword.at.desc(), AccountPassword.id.desc())
            .limit(new.remembered)
        ).all()
        present = session.scalar(sa.select(Account.password_hash).where(Account.id == new.account_id))
    if any(not set(new.marks).isdisjoint(marks) for marks in kept):
        raise PasswordTooLike
    if present is not None and hashing.matches(present, password):
        raise PasswordTooLike


def remember(session: Session, new: NewPassword) -> None:
    """Keep the marks of the password that is being set, and those of as many before it as the rule says."""
    if new.remembered is None:
        return
    kept = sa.select(AccountPassword.id).where(AccountPassword.account_id == new.account_id)
    if new.remembered:
        padding = -len(new.marks) % _MARKS_AT_ONCE
        marks = sorted([*new.marks, *(_text(secrets.token_bytes(_MARK_BYTES)) for _ in range(padding))])
        session.execute(
            sa.insert(AccountPassword).values(id=new_key(), account_id=new.account_id, marks=marks, at=clock.now())
        )
    last = kept.order_by(AccountPassword.at.desc(), AccountPassword.id.desc()).limit(new.remembered)
    session.execute(
        sa.delete(AccountPassword).where(AccountPassword.account_id == new.account_id, AccountPassword.id.not_in(last))
    )


def marks_of(account_id: UUID, password: str) -> tuple[str, ...]:
    """The marks of a password of this account. Those of another account's same password are others."""
    keyring = current().keyring
    salt = bytes.fromhex(keyring.lookup_digest("password likeness salt", str(account_id)))[:16]
    marks = []
    for kind, text in sorted(set(_shared_texts(password))):
        secret = keyring.lookup_digest("password likeness", f"{account_id}\0{kind}\0{text}")
        cost = _cost(kind, text)
        mark = hash_secret_raw(secret.encode(), salt, cost.rounds, cost.memory, 1, _MARK_BYTES, Type.ID)
        marks.append(_text(mark))
    return tuple(marks)


def _shared_texts(password: str) -> Iterator[tuple[str, str]]:
    """What a password has in common with its like, each with its kind."""
    plain = normal(password).casefold()
    folded = _folded(plain)
    yield "whole", folded
    # Two texts share one of these where one character was changed, added, left out or moved.
    for place in range(len(folded)):
        yield "whole", folded[:place] + folded[place + 1 :]
    yield "turned", min(_turned(folded) + _turned(folded[::-1]))
    letters = [place for place, character in enumerate(plain) if character.isalpha()]
    if letters and letters[-1] - letters[0] + 1 >= _SHORTEST_STEM:
        yield "stem", _folded(plain[letters[0] : letters[-1] + 1])


def _folded(text: str) -> str:
    return text.translate(_LOOK_ALIKES)


def _turned(text: str) -> list[str]:
    return [text[place:] + text[:place] for place in range(len(text))]


def _cost(kind: str, text: str) -> Argon2:
    cost = costs.current()
    if kind == "stem":
        return cost.stem
    if len(text) <= 16:
        return cost.short_mark
    return cost.mark if len(text) <= 40 else cost.long_mark


def _text(mark: bytes) -> str:
    return base64.b64encode(mark).decode()
