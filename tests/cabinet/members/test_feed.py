"""The feed: without a number, and what it forgets."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.accounts.events import KEPT
from pushhub.accounts.models import Account, AccountEvent
from pushhub.dispatcher.housekeeping import sweep
from pushhub.kernel.clock import now as moment
from pushhub.kernel.db import reading, transaction
from pushhub.kernel.ids import least_key_of
from tests.cabinet.browser import Browser
from tests.cabinet.owners import HOME


def test_the_feed_without_a_number_says_why_there_is_no_qr_code(office: Browser) -> None:
    assert office.path == f"{HOME}feed"
    assert 'id="no-number"' in office.text
    assert 'id="qr"' not in office.text
    assert "Кабинет зарегистрирован" in office.text
    assert office.open(f"{HOME}feed/qr.svg").status_code == 404
    assert office.open(f"{HOME}feed?bind=yes").status_code == 200


@pytest.mark.both_engines
@pytest.mark.parametrize("before", ["0001-01-01T00:00:00%2B05:00", "9999-12-31T23:59:59-05:00", "yesterday", ""])
def test_an_odd_time_in_the_address_is_left_out(office: Browser, before: str) -> None:
    assert office.open(f"{HOME}feed?before={before}").status_code == 200
    assert "Кабинет зарегистрирован" in office.text


@pytest.mark.both_engines
def test_events_are_forgotten_after_a_year(app: Flask, owner: Account) -> None:
    with app.app_context():
        old = least_key_of(KEPT + timedelta(days=2))
        with transaction() as session:
            session.execute(
                sa.insert(AccountEvent).values(
                    id=old, account_id=owner.id, kind="signed_in", data={}, at=moment() - KEPT - timedelta(days=1)
                )
            )
        sweep()
        with reading() as session:
            kinds = session.scalars(sa.select(AccountEvent.kind)).all()
        assert kinds == ["registered"]
