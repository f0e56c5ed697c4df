"""Can this installation be used? Asked by `/readyz` and by `pushhub doctor`."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pushhub.delivery.models import DispatcherBeat
from pushhub.kernel import clock
from pushhub.kernel.db import ping, reading
from pushhub.kernel.errors import PushhubError
from pushhub.migrations import DIRECTORY

_SEEN_LATELY = timedelta(seconds=20)
OK = "ok"


def readiness() -> dict[str, str]:
    """`database`, `migrations`, `dispatcher`: each `ok` or what is wrong and what to do."""
    try:
        ping()
    except PushhubError as problem:
        return {"database": problem.detail, "migrations": "unknown", "dispatcher": "unknown"}
    with reading() as session:
        current = MigrationContext.configure(session.connection()).get_current_revision()
    if current != ScriptDirectory(str(DIRECTORY)).get_current_head():
        return {"database": OK, "migrations": "not the newest; run: pushhub migrate", "dispatcher": "unknown"}
    with reading() as session:
        seen = session.scalar(sa.select(sa.func.max(DispatcherBeat.seen_at)))
    lately = seen is not None and clock.now() - seen <= _SEEN_LATELY
    dispatcher = OK if lately else "none seen in the last 20 seconds; is the service running?"
    return {"database": OK, "migrations": OK, "dispatcher": dispatcher}
