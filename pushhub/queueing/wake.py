"""Waking workers once something is due for them, after the commit: those of this process or, where it has none, those
of others, by NOTIFY."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from pushhub.context import current
from pushhub.kernel.db import after_commit


def wake_after_commit(session: Session, name: str) -> None:
    """Tell the workers and jobs of this name, once the caller's transaction is committed, that something is due."""
    after_commit(session, partial(current().wake, name))
