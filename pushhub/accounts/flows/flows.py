"""The steps on the way to something: kept here and not in the page, so that a second window, the back button, a
double click and a reload find everything where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pushhub.accounts.models import CabinetFlow
from pushhub.context import current
from pushhub.kernel import clock
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.errors import Busy
from pushhub.kernel.ids import new_key
from pushhub.kernel.sealing import secret_digest

#: How long a person may take from one step to the next.
LIFE = timedelta(minutes=30)


class FlowKind(StrEnum):
    SIGN_IN = "sign_in"
    RECOVERY = "recovery"
    REREGISTRATION = "reregistration"
    REGISTRATION = "registration"
    CODE_SIGN_IN = "code_sign_in"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as it is now. `answers` is plain JSON data."""

    id: UUID
    kind: FlowKind
    product_id: UUID
    answers: Mapping[str, Any] = field(repr=False)


def begin(product_id: UUID, kind: FlowKind, visitor: str, answers: Mapping[str, Any]) -> Flow:
    """Begin a flow for the browser that has the cookie `visitor`."""
    with transaction() as session:
        return begin_in(session, product_id, kind, visitor, answers, key=new_key())


def begin_in(
    session: Session, product_id: UUID, kind: FlowKind, visitor: str, answers: Mapping[str, Any], *, key: UUID
) -> Flow:
    """The same in the caller's transaction, with a key that is known before."""
    now = clock.now()
    session.execute(
        sa.insert(CabinetFlow).values(
            id=key,
            product_id=product_id,
            kind=kind,
            visitor_digest=secret_digest(visitor),
            answers_sealed=_sealed(key, answers),
            version=1,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return Flow(key, kind, product_id, dict(answers))


def find(product_id: UUID, flow_id: UUID, visitor: str) -> Flow | None:
    """The flow, if it is this browser's and not over."""
    with reading() as session:
        row = session.scalar(
            sa.select(CabinetFlow).where(
                CabinetFlow.id == flow_id,
                CabinetFlow.product_id == product_id,
                CabinetFlow.visitor_digest == secret_digest(visitor),
                CabinetFlow.expires_at > clock.now(),
            )
        )
    return None if row is None else _flow(row)


def amend(flow: Flow, **changes: Any) -> Flow:
    """Write some answers; those that are not named stay, also what another window wrote meanwhile. Raises `Busy`."""
    for _ in range(3):
        with transaction() as session:
            amended = amend_in(session, flow, **changes)
        if amended is not None:
            return amended
    raise Busy


def amend_in(session: Session, flow: Flow, **changes: Any) -> Flow | None:
    """The same in the caller's transaction; None where another window wrote at the same moment. Raises `Busy`."""
    row = session.get(CabinetFlow, flow.id)
    if row is None:
        raise Busy
    answers = {**_flow(row).answers, **changes}
    written = session.execute(
        sa.update(CabinetFlow)
        .where(CabinetFlow.id == flow.id, CabinetFlow.version == row.version)
        .values(
            answers_sealed=_sealed(flow.id, answers),
            version=CabinetFlow.version + 1,
            expires_at=clock.now() + LIFE,
        )
        .returning(CabinetFlow.id)
        .execution_options(synchronize_session=False)
    ).first()
    return replace(flow, answers=answers) if written is not None else None


def sweep(session: Session) -> None:
    """Forget flows that are over."""
    session.execute(sa.delete(CabinetFlow).where(CabinetFlow.expires_at <= clock.now()))


def _flow(row: CabinetFlow) -> Flow:
    answers = json.loads(current().keyring.unseal(row.answers_sealed, _context(row.id)))
    return Flow(row.id, FlowKind(row.kind), row.product_id, answers)


def _sealed(flow_id: UUID, answers: Mapping[str, Any]) -> bytes:
    return current().keyring.seal(json.dumps(dict(answers)), _context(flow_id))


def _context(flow_id: UUID) -> str:
    return f"cabinet-flow:{flow_id}"
