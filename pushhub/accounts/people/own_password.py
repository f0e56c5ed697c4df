"""The present password of who is signed in, asked for before something that matters: wrong ones are counted as at the
sign-in, so that a browser left open is no place to guess, but by themselves."""

from __future__ import annotations

from pushhub.accounts.models import Account
from pushhub.accounts.passwords import hashing
from pushhub.accounts.passwords.rules import TRIES_BEFORE_CODE, wait_after
from pushhub.accounts.sessions import sign_in_throttle
from pushhub.accounts.sessions.sign_in import Wrong
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from pushhub.kernel import clock
from pushhub.kernel.db import transaction


def check_present(account: Account, password: str) -> Wrong | Wait | CodeWanted | None:
    """None where this is the account's password.

    1. count the try (committed), unless there were too many  2. look at the password  3. forget the count.
    """
    digest = sign_in_throttle.present_digest(account.id)
    counted = sign_in_throttle.count_try(account.product_id, digest)
    if isinstance(counted, (Wait, CodeWanted)):
        return counted
    if not hashing.matches(account.password_hash, password):
        wait = wait_after(counted)
        return CodeWanted() if counted >= TRIES_BEFORE_CODE else Wrong(clock.now() + wait if wait else None)
    with transaction() as session:
        sign_in_throttle.forget(session, account.product_id, [digest])
    return None
