"""Apple's provider token: the same in every process of the team, renewed at the same moment, never too often."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jwt
import pytest
from channel_material import Ticks, ec_key, written
from cryptography.hazmat.backends.openssl.backend import backend as openssl
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from pushhub.channels.credentials import PROVIDER_TOKEN_GAP, PROVIDER_TOKEN_SLOT, ProviderToken
from pushhub.kernel import clock

#: The start of a slot: 50-minute slots are counted from 1970.
SLOT = datetime.fromtimestamp(597_000 * PROVIDER_TOKEN_SLOT, UTC)
PEM = ec_key()
HOUR = 3600


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return written(tmp_path / "key.p8", PEM)


def token(key: Path, ticks: Ticks | None = None) -> ProviderToken:
    return ProviderToken(key, "ABC123DEFG", "TEAM123456", monotonic=ticks or Ticks())


def at(minutes: float, show: Callable[[], str]) -> str:
    with clock.use(lambda: SLOT + timedelta(minutes=minutes)):
        return show()


def issued_at(header: str) -> float:
    """In minutes from the start of the slot."""
    claims = jwt.decode(header.removeprefix("bearer "), options={"verify_signature": False})
    return (int(claims["iat"]) - SLOT.timestamp()) / 60


def test_it_is_an_es256_jwt_of_the_team_whose_signature_is_good(key: Path) -> None:
    value = at(17, token(key).header).removeprefix("bearer ")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in value.split(".")[:2])
    assert header == {"alg": "ES256", "kid": "ABC123DEFG", "typ": "JWT"}
    assert list(claims.items()) == [("iss", "TEAM123456"), ("iat", int(SLOT.timestamp()))]
    public: Any = load_pem_private_key(PEM, None).public_key()
    assert jwt.decode(value, public, algorithms=["ES256"], options={"verify_iat": False}) == claims
    changed = value[:-4] + ("AAAA" if value[-4:] != "AAAA" else "BBBB")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(changed, public, algorithms=["ES256"], options={"verify_iat": False})


def test_two_of_them_are_bit_for_bit_the_same_whenever_they_are_made(key: Path) -> None:
    early, late = at(0, token(key).header), at(49.9, token(key).header)
    assert early == late


def test_another_process_has_the_same(key: Path) -> None:
    script = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path; from pushhub.kernel import clock;"
        "from pushhub.channels.credentials import ProviderToken\n"
        f"with clock.use(lambda: datetime.fromtimestamp({SLOT.timestamp()} + 1234, UTC)):\n"
        "    print(ProviderToken(Path(sys.argv[1]), 'ABC123DEFG', 'TEAM123456').header())"
    )
    other = subprocess.run([sys.executable, "-c", script, str(key)], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == at(3, token(key).header)


def test_other_keys_teams_and_slots_have_others(key: Path, tmp_path: Path) -> None:
    shown = [
        at(0, token(key).header),
        at(50, token(key).header),
        at(0, ProviderToken(key, "ABC123DEFG", "TEAM999999").header),
        at(0, ProviderToken(key, "OTHERKEY01", "TEAM123456").header),
        at(0, token(written(tmp_path / "other.p8", ec_key())).header),
    ]
    assert len(set(shown)) == 5


@pytest.mark.parametrize(
    ("minutes", "same"), [(0, True), (30, True), (49.99, True), (50, False), (-0.9, True), (-1.1, False), (-200, False)]
)
def test_it_is_renewed_at_the_slots_border_and_when_the_clock_was_set_back_by_more_than_a_moment(
    minutes: float, same: bool, key: Path
) -> None:
    one = token(key)
    first = at(0, one.header)
    assert (at(minutes, one.header) == first) is same


def test_one_that_apple_calls_expired_is_replaced_by_one_of_now_until_the_slots_border(key: Path) -> None:
    one = token(key)
    old = at(25, one.header)
    assert at(25, lambda: str(one.refused(old))) == "True"
    new = at(25, one.header)
    assert (issued_at(old), issued_at(new)) == (0, 25)
    assert at(49.9, one.header) == new
    assert at(50, one.header) == at(50, token(key).header)


def test_one_that_was_replaced_shortly_before_the_border_comes_back_to_the_slots_by_a_detour(key: Path) -> None:
    one = token(key)
    old = at(40, one.header)
    at(40, lambda: str(one.refused(old)))
    shown = [issued_at(at(minute, one.header)) for minute in (40, 50, 59.9, 60, 99.9, 100, 120)]
    assert shown == [40, 40, 40, 60, 60, 100, 100]


def test_a_young_one_is_not_replaced_and_an_old_one_only_once_in_20_minutes(key: Path) -> None:
    one = token(key, Ticks())  # the limit's clock stands still
    young = at(19.9, one.header)
    assert at(19.9, lambda: str(one.refused(young))) == "True"
    assert at(19.9, one.header) == young
    assert at(20, lambda: str(one.refused(young))) == "False"
    assert at(20, one.header) == young


def test_a_message_that_was_under_way_with_the_old_one_is_worth_another_try(key: Path) -> None:
    one = token(key)
    old = at(30, one.header)
    assert [at(30, lambda: str(one.refused(old))) for _ in range(3)] == ["True"] * 3
    assert issued_at(at(30, one.header)) == 30


def test_after_too_many_none_is_replaced_for_20_minutes(key: Path, caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()
    one = token(key, ticks)
    old = at(25, one.header)
    for _ in range(3):
        one.hold()
    assert at(25, lambda: str(one.refused(old))) == "False"
    ticks.at += PROVIDER_TOKEN_GAP
    assert at(45, lambda: str(one.refused(old))) == "True"
    assert issued_at(at(45, one.header)) == 45
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 2  # too many; replaced


def test_threads_that_are_refused_together_make_one_new_one(key: Path) -> None:
    one = token(key)
    old = at(0, one.header)
    worth: list[bool] = []
    shown: list[str] = []

    def refused() -> None:
        worth.append(one.refused(old))
        shown.append(one.header())

    threads = [threading.Thread(target=refused) for _ in range(8)]
    with clock.use(lambda: SLOT + timedelta(minutes=20)):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert worth == [True] * 8
    assert len(set(shown)) == 1
    assert old not in shown


STEPS = st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=40)


@given(steps=STEPS)
def test_whatever_apple_says_none_is_older_than_50_minutes_nor_renewed_within_20(
    steps: Iterable[tuple[float, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "shared.p8"
    ticks = Ticks()
    one, now = token(path if path.exists() else written(path, PEM), ticks), 0.0
    shown: list[tuple[float, float]] = []
    for pause, refused in steps:
        now, ticks.at = now + pause, ticks.at + pause * 60
        header = at(now, one.header)
        shown.append((now, issued_at(header)))
        if refused:
            at(now, lambda header=header: str(one.refused(header)))  # type: ignore[misc]
    assert all(-1 / 60 <= seen - issued <= 50 for seen, issued in shown)
    renewals = list(dict.fromkeys(issued for _, issued in shown))
    assert all(later - earlier >= 20 for earlier, later in pairwise(renewals))


def test_an_openssl_without_rfc_6979_is_told_and_signs_all_the_same(
    key: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(openssl), "ecdsa_deterministic_supported", lambda self: False)
    first, second = at(0, token(key).header), at(0, token(key).header)
    assert first != second
    assert issued_at(first) == issued_at(second) == 0
    assert "can't sign deterministically" in caplog.text
    public: Any = load_pem_private_key(PEM, None).public_key()
    jwt.decode(first.removeprefix("bearer "), public, algorithms=["ES256"], options={"verify_iat": False})


def test_one_of_a_slots_end_is_younger_than_apples_hour_for_clocks_that_differ() -> None:
    assert PROVIDER_TOKEN_GAP < PROVIDER_TOKEN_SLOT <= HOUR - 600


def test_no_secret_shows_in_a_repr(key: Path) -> None:
    one = token(key)
    assert at(0, one.header).split(".")[2] not in repr(one)
