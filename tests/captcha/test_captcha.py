"""The task before a form: right once, in time, here; and wrong in every other way."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.sample import REGISTER
from pushhub.accounts import costs
from pushhub.accounts.flows import captcha
from pushhub.accounts.flows.captcha import UsedCaptcha
from pushhub.dispatcher import housekeeping
from pushhub.kernel.db import transaction
from pushhub.kernel.sealing import create_key_file, load_keyring
from pushhub.kernel.settings import Settings
from tests.captcha.solving import solution_of
from tests.support.databases import FakeClock
from tests.support.rows import how_many

Counts = Callable[..., bool]
PLACE = "kaztranscom"


def encoded(document: object, indent: int | None = None) -> str:
    return base64.b64encode(json.dumps(document, indent=indent).encode()).decode()


def decoded(payload: str) -> Any:
    return json.loads(base64.b64decode(payload))


def changed(payload: str, change: Callable[[dict[str, Any]], object]) -> str:
    document = decoded(payload)
    change(document)
    return encoded(document)


@pytest.fixture
def solved(app: Flask) -> str:
    """The solution of a fresh task, which was less work than a browser has."""
    with app.app_context(), costs.use(replace(costs.current(), captcha_rounds=50, captcha_keys=(2, 6))):
        return solution_of(captcha.challenge(PLACE))


@pytest.fixture
def counts(app: Flask) -> Counts:
    """Whether a solution counts."""

    def spend(payload: str, place: str = PLACE) -> bool:
        with app.app_context():
            return captcha.spend(payload, place=place)

    return spend


@pytest.mark.both_engines
def test_a_solution_counts_once(counts: Counts, solved: str) -> None:
    assert [counts(solved), counts(solved)] == [True, False]


def test_written_in_another_way_it_is_still_the_same(counts: Counts, solved: str) -> None:
    assert counts(solved)
    spaced = encoded(decoded(solved), indent=1)
    assert spaced != solved
    assert not counts(spaced)
    assert not counts(changed(solved, lambda it: it["solution"].update(time=1.5)))


@pytest.mark.both_engines
def test_of_sixteen_at_once_one_counts(counts: Counts, solved: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(counts, [solved] * 16)) == 1


@pytest.mark.both_engines
def test_it_holds_for_ten_minutes(app: Flask, counts: Counts, now: FakeClock) -> None:
    with app.app_context():
        first, second = (solution_of(captcha.challenge(PLACE)) for _ in range(2))
    now.forward(minutes=9, seconds=59)
    assert counts(first)
    now.forward(seconds=1)
    assert not counts(second)
    with app.app_context():
        housekeeping.sweep()
    assert how_many(app, UsedCaptcha) == 0
    assert not counts(first)  # also when it is forgotten that it was used


def test_another_cabinets_does_not_count(app: Flask, counts: Counts, solved: str) -> None:
    assert not counts(solved, place="portal")
    assert how_many(app, UsedCaptcha) == 0
    assert counts(solved)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another number": lambda it: it["solution"].update(counter=it["solution"]["counter"] + 1, derivedKey="00" * 32),
    "another key": lambda it: it["solution"].update(derivedKey="00" * 32),
    "no key": lambda it: it["solution"].pop("derivedKey"),
    "less work": lambda it: it["challenge"]["parameters"].update(cost=1),
    "no prefix": lambda it: it["challenge"]["parameters"].update(keyPrefix=""),
    "another nonce": lambda it: it["challenge"]["parameters"].update(nonce="00" * 16),
    "more time": lambda it: it["challenge"]["parameters"]["data"].update(until=4_000_000_000),
    "another place": lambda it: it["challenge"]["parameters"]["data"].update(place="portal"),
    "no data": lambda it: it["challenge"]["parameters"].pop("data"),
    "no signature": lambda it: it["challenge"].pop("signature"),
    "another signature": lambda it: it["challenge"].update(signature="00" * 32),
    "its own signature": lambda it: it["challenge"]["parameters"].pop("keySignature"),
    "no challenge": lambda it: it.pop("challenge"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_tampered_with_does_not_count(app: Flask, counts: Counts, solved: str, what: str) -> None:
    tampered = changed(solved, CHANGES[what])
    assert not counts(tampered)
    assert not counts(tampered, place="portal")
    assert how_many(app, UsedCaptcha) == 0


def test_a_task_that_was_not_solved_does_not_count(app: Flask, counts: Counts) -> None:
    with app.app_context():
        task = captcha.challenge(PLACE)
    claim = {"challenge": task, "solution": {"counter": 0, "derivedKey": task["parameters"]["keyPrefix"] + "00" * 16}}
    assert not counts(encoded(claim))


def test_one_who_signs_with_another_key_is_not_believed(app: Flask, counts: Counts, solved: str, tmp_path: Any) -> None:
    create_key_file(tmp_path / "other.json")
    ours = app.extensions["pushhub"].keyring
    app.extensions["pushhub"].keyring = load_keyring(tmp_path / "other.json")
    assert not counts(solved)
    app.extensions["pushhub"].keyring = ours
    assert counts(solved)


@pytest.mark.parametrize("payload", ["", "?", "e30=", "bnVsbA==", "W10=", "x" * 5000, "\ud800", "0" * 3999])
def test_nonsense_does_not_count(counts: Counts, payload: str) -> None:
    assert not counts(payload)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.sqlite
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(data=st.data())
def test_no_payload_breaks_anything(counts: Counts, solved: str, data: st.DataObject) -> None:
    document = at = decoded(solved)
    for step in data.draw(st.sampled_from([("challenge",), ("solution",), ("challenge", "parameters"), ()])):
        at = at[step]
    at[data.draw(st.sampled_from([*at, "extra", "memoryCost", "expiresAt"]))] = data.draw(_JSON)
    try:
        payload = encoded(document)
    except (ValueError, UnicodeError):
        return
    counts(payload)


@pytest.mark.both_engines
def test_in_a_transaction_that_fails_it_is_not_used_up(app: Flask, counts: Counts, solved: str) -> None:
    def solve_and_fail() -> None:
        with app.app_context(), transaction() as session:
            assert captcha.solved(session, solved, place=PLACE)
            raise RuntimeError("the caller's own fault")

    with pytest.raises(RuntimeError):
        solve_and_fail()
    assert counts(solved)


class TestInACabinet:
    """`captcha.json` and its answer."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask], settings: Settings, now: FakeClock) -> Flask:
        return make_app(replace(settings, cabinets=("indigo",), registry_file=REGISTER))

    def test_a_cabinet_gives_tasks_that_count_in_it_alone(self, app: Flask, counts: Counts) -> None:
        answer = app.test_client().get("/cabinet/indigo/captcha.json")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        payload = solution_of(answer.get_json())
        assert not counts(payload, place="portal")
        assert counts(payload, place="indigo")

    def test_no_two_tasks_are_the_same(self, app: Flask) -> None:
        tasks = [app.test_client().get("/cabinet/indigo/captcha.json").get_json() for _ in range(3)]
        assert len({task["parameters"]["nonce"] for task in tasks}) == 3

    def test_there_is_none_where_there_is_no_cabinet(self, app: Flask) -> None:
        assert app.test_client().get("/cabinet/nowhere/captcha.json").status_code == 404
