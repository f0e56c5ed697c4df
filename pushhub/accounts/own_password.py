"""The present password of who is signed in, asked for before something that matters: wrong ones are counted as at the
sign-in, so that a browser left open is no place to guess, but by themselves."""

from __future__ import annotations

from pushhub import clock
from pushhub.accounts import failures, passwords
from pushhub.accounts.failures import CodeWanted, Wait
from pushhub.accounts.models import Account
from pushhub.accounts.rules import TRIES_BEFORE_CODE, wait_after
from pushhub.accounts.service import Wrong
from pushhub.db import transaction


def check_present(account: Account, password: str) -> Wrong | Wait | CodeWanted | None:
    """None where this is the account's password.

    1. count the try (committed), unless there were too many  2. look at the password  3. forget the count.
    """
    digest = failures.present_digest(account.id)
    counted = failures.count_try(account.product_id, digest)
    if isinstance(counted, (Wait, CodeWanted)):
        return counted
    if not passwords.matches(account.password_hash, password):
        wait = wait_after(counted)
        return CodeWanted() if counted >= TRIES_BEFORE_CODE else Wrong(clock.now() + wait if wait else None)
    with transaction() as session:
        failures.forget(session, account.product_id, [digest])
    return None
