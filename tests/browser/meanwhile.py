"""What happens in the database of the service meanwhile: time is over, a message comes late."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PENDING = "number = ? AND status = 'pending'"


def change(database: Path, statement: str, *values: str) -> int:
    """Execute a statement; how many rows it has changed."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        return connection.execute(statement, values).rowcount


def let_pass(
    database: Path, table: str, column: str, where: str, *values: str, after: timedelta = timedelta(seconds=-1)
) -> int:
    """Let the time of some rows be over, or be over `after` this moment; of how many."""
    moment = (datetime.now(UTC) + after).replace(tzinfo=None).isoformat(" ")
    changed = change(database, f"UPDATE {table} SET {column} = ? WHERE {where}", moment, *values)  # noqa: S608
    assert changed >= 1
    return changed


def let_it_be_sent_again(database: Path, number: str) -> None:
    """Let the wait before the number's pending code can be sent again be over."""
    assert let_pass(database, "verifications", "resend_at", _PENDING, number) == 1


def let_the_code_end(database: Path, number: str) -> None:
    """Let the time of the number's pending code be over, and not that of its message."""
    let_pass(database, "verifications", "expires_at", _PENDING, number)


def let_it_run_out(database: Path, number: str, *, after: timedelta) -> None:
    """Let the number's pending code, and its message, run out `after` this moment."""
    assert let_pass(database, "verifications", "expires_at", _PENDING, number, after=after) == 1
    let_pass(database, "deliveries", "expires_at", "number = ? AND kind = 'code'", number, after=after)


def let_the_offer_end(database: Path, number: str) -> None:
    let_pass(database, "offers", "expires_at", _PENDING, number)


def let_the_password_change(database: Path, number: str) -> None:
    """Let the one-time password of the number's offer change every few seconds, and not only twice a minute."""
    assert change(database, "UPDATE offers SET step_seconds = 10 WHERE number = ?", number) == 1


def let_four_more_be_wrong(database: Path) -> None:
    """Who has typed five wrong passwords has typed nine, and need not wait for the next try."""
    let_pass(database, "sign_in_failures", "wait_until", "failures = ?", "5")
    assert change(database, "UPDATE sign_in_failures SET failures = 9 WHERE failures = 5") == 1


def hold_back_the_newest(database: Path, number: str) -> str:
    """Keep the newest message to the number out of its phone's feed. Gives what `let_it_come` takes."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        (newest,) = connection.execute("SELECT max(id) FROM deliveries WHERE number = ?", (number,)).fetchone()
    change(database, "UPDATE deliveries SET number = '+77050000000' WHERE id = ?", newest)
    return str(newest)


def let_it_come(database: Path, number: str, held_back: str) -> None:
    """Let the message be in the feed as if it had only now been committed."""
    assert change(database, "UPDATE deliveries SET number = ? WHERE id = ?", number, held_back) == 1
