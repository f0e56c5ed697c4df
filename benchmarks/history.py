"""What three months leave behind: codes that were asked for, delivered, seen and typed in long ago.

The database makes the rows itself, a few statements for a hundred thousand of them, with keys that are as old as the
rows: to send them there one by one would take longer than what is to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from benchmarks.row_values import delivery_row, verification_row
from pushhub.delivery.models import Attempt, Delivery
from pushhub.delivery.rules import DeliveryStatus
from pushhub.events.models import Event, EventCounter, Tag
from pushhub.kernel import clock
from pushhub.kernel.db import Base, table_of
from pushhub.kernel.engine import READING
from pushhub.kernel.ids import Prefix, new_key, public_id
from pushhub.verifications.models import Verification
from pushhub.verifications.rules import VerificationStatus

#: The rows lie this far back, at even distances.
_LONGEST_AGO, _SHORTEST_AGO = timedelta(days=90), timedelta(hours=1)
_CHUNK = 25_000
#: What is told of a code whose course is the usual one: of the verification, and of its delivery.
_TAGS = (
    Tag.VERIFICATION_CREATED,
    Tag.DELIVERY_ACCEPTED,
    Tag.DELIVERY_RECEIVED,
    Tag.VERIFICATION_ARMED,
    Tag.VERIFICATION_APPROVED,
)
#: A verification, a delivery, an attempt, and the events.
ROWS_OF_A_CODE = 3 + len(_TAGS)

_VERIFICATION, _DELIVERY, _ATTEMPT, _EVENT = "1", "2", "3", "4"


class _Words(NamedTuple):
    """How an engine says it. `{}` stands for an expression."""

    #: `i` from :first to :last.
    series: str
    #: 12 hexadecimal digits of a number.
    hexadecimal: str
    number: str
    #: A column's value from 32 hexadecimal digits, and from milliseconds since 1970.
    key: str
    moment: str


_WORDS = {
    "sqlite": _Words(
        "(WITH RECURSIVE upward(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM upward WHERE i < :last)"
        " SELECT i FROM upward) AS series",
        "printf('%012x', {})",
        "printf('+7701%07d', {})",
        "{}",
        "strftime('%Y-%m-%d %H:%M:%f000', ({}) / 1000.0, 'unixepoch')",
    ),
    "postgresql": _Words(
        "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS series(i)",
        "lpad(to_hex(CAST({} AS bigint)), 12, '0')",
        "'+7701' || lpad(CAST({} AS text), 7, '0')",
        "CAST({} AS uuid)",
        "to_timestamp(({}) / 1000.0)",
    ),
}


def write_history(engine: sa.Engine, product_id: UUID, numbers: int, rows: int) -> int:
    """Write about so many old rows in all, for codes of the numbers +77010000000 and so on. Returns how many."""
    codes = rows // ROWS_OF_A_CODE
    if codes:
        past = _Past(engine.dialect.name, product_id, numbers, codes)
        for first in range(0, codes, _CHUNK):
            past.write(engine, first, min(first + _CHUNK, codes) - 1)
        with engine.begin() as connection:
            connection.execute(sa.insert(EventCounter).values(id=1, last=codes * len(_TAGS)))
    return codes * ROWS_OF_A_CODE


def put_in_order(engine: sa.Engine) -> None:
    """What a database that has run for months has behind it: statistics, and nothing left to tidy up."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw:  # without a transaction
            raw.cursor().execute("ANALYZE")
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return
    with engine.connect().execution_options(**{READING: True}) as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")
        try:
            connection.exec_driver_sql("CHECKPOINT")
        except DBAPIError:
            return  # on a server of somebody else's it may not be allowed


class _Past:
    """The statements, with the expressions that tell one row from the next."""

    def __init__(self, dialect: str, product_id: UUID, numbers: int, codes: int) -> None:
        self._words = _WORDS[dialect]
        self._product_id = product_id
        now = clock.now()
        start = int((now - _LONGEST_AGO).timestamp() * 1000)
        distance = max(1, int((_LONGEST_AGO - _SHORTEST_AGO).total_seconds() * 1000) // codes)
        self._at = f"{start} + i * {distance}"
        # Neighbours in time are no neighbours in the indexes of numbers.
        self._number = self._words.number.format(f"(i * 7919) % {numbers}")
        self._statements = [self._verifications(now), self._deliveries(now), self._attempts()]
        self._statements += [self._events(place, tag) for place, tag in enumerate(_TAGS)]

    def write(self, engine: sa.Engine, first: int, last: int) -> None:
        """The codes from `first` to `last`."""
        with engine.begin() as connection:
            for statement in self._statements:
                connection.execute(statement, {"first": first, "last": last})

    def _verifications(self, now: datetime) -> sa.Insert:
        row = verification_row(new_key(), self._product_id, "", "sign_in", now)
        return self._insert(
            Verification,
            row | {"status": VerificationStatus.APPROVED, "attempts_used": 1, "code_digest": 64 * "0"},
            id=self._key(_VERIFICATION),
            number=self._number,
            created_at=self._moment(0),
            resend_at=self._moment(60_000),
            expires_at=self._moment(300_000),
            armed_at=self._moment(5_000),
            closed_at=self._moment(20_000),
        )

    def _deliveries(self, now: datetime) -> sa.Insert:
        row = delivery_row(new_key(), self._product_id, "", "fcm", None, now)
        return self._insert(
            Delivery,
            row | {"status": DeliveryStatus.RECEIVED, "tries": 1},
            beside=f" JOIN bindings ON bindings.number = {self._number} AND bindings.ended_at IS NULL",
            id=self._key(_DELIVERY),
            verification_id=self._key(_VERIFICATION),
            device_id="bindings.device_id",
            number=self._number,
            created_at=self._moment(0),
            claimable_at=self._moment(0),
            expires_at=self._moment(300_000),
            received_at=self._moment(3_000),
            changed_at=self._moment(3_000),
        )

    def _attempts(self) -> sa.Insert:
        return self._insert(
            Attempt,
            {"outcome": "accepted", "reason": None, "provider_id": "projects/benchmark/messages/0"},
            id=self._key(_ATTEMPT),
            delivery_id=self._key(_DELIVERY),
            started_at=self._moment(20),
            finished_at=self._moment(80),
        )

    def _events(self, place: int, tag: Tag) -> sa.Insert:
        of_delivery = tag.startswith("delivery.")
        data = {"verification_id": public_id(Prefix.VERIFICATION, new_key()), "channel": "fcm"} if of_delivery else {}
        return self._insert(
            Event,
            {"product_id": self._product_id, "live": True, "tag": str(tag), "data": data},
            id=self._key(f"{_EVENT}{place}"),
            subject_id=self._key(_DELIVERY if of_delivery else _VERIFICATION),
            at=self._moment(place * 1_000),
            sequence=f"i * {len(_TAGS)} + {place + 1}",
        )

    def _insert(self, model: type[Base], same: Mapping[str, Any], beside: str = "", **differing: str) -> sa.Insert:
        """`INSERT … SELECT`: for each `i` a row that has the values `same`, but for expressions in `differing`."""
        table = table_of(model)
        values: dict[str, Any] = {
            name: self._literal(value, table.c[name].type) for name, value in same.items() if name not in differing
        }
        values |= {name: sa.literal_column(expression) for name, expression in differing.items()}
        selected = sa.select(*values.values()).select_from(sa.text(self._words.series + beside))
        return sa.insert(table).from_select(list(values), selected, include_defaults=False)

    def _literal(self, value: Any, of_type: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
        if value is None:
            return sa.null()
        literal = sa.literal(value, of_type)
        # SQLite has no such types and makes numbers of what is cast to them; PostgreSQL wants to be told.
        return literal if self._words is _WORDS["sqlite"] else sa.cast(literal, of_type)

    def _key(self, kind: str) -> str:
        """A UUIDv7 (RFC 9562) of the row's age: milliseconds, the version, the kind of row, the variant, `i`."""
        milliseconds, index = (self._words.hexadecimal.format(value) for value in (f"({self._at})", "i"))
        return self._words.key.format(f"({milliseconds} || '7{kind:0<3}8000' || {index})")

    def _moment(self, after: int) -> str:
        return self._words.moment.format(f"{self._at} + {after}")
