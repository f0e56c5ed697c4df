"""When a message is tried again, and signatures. Pure: nothing is asked of a clock, a wire or a database."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushhub.kernel.http_values import retry_after
from pushhub.webhooks import signing
from pushhub.webhooks.rules import LONGEST_WAIT, WAITS, EndpointAnswer, MessageStatus, after_try

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def step(answer: EndpointAnswer, tries: int = 1, jitter: float = 0.0) -> tuple[str, str | None, timedelta | None]:
    found = after_try(answer, tries=tries, now=NOW, jitter=lambda: jitter)
    return found.status, found.error, found.due - NOW if found.due else None


def test_the_schedule_is_the_one_that_is_promised() -> None:
    seconds = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert [wait.total_seconds() for wait in WAITS] == seconds
    for tries, wait in enumerate(WAITS, start=1):
        assert step(EndpointAnswer(500), tries) == (MessageStatus.QUEUED, "not_accepted", wait)
        assert step(EndpointAnswer(error="timeout"), tries, jitter=1.0) == (MessageStatus.QUEUED, "timeout", wait * 1.2)
    assert step(EndpointAnswer(500), 10) == (MessageStatus.FAILED, "not_accepted", None)
    assert step(EndpointAnswer(error="reset"), 11) == (MessageStatus.FAILED, "reset", None)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert step(EndpointAnswer(status), 10) == (MessageStatus.DELIVERED, None, None)


@pytest.mark.parametrize(
    ("status", "word"),
    [(100, "not_accepted"), (199, "not_accepted"), (300, "redirect"), (399, "redirect"), (400, "not_accepted")],
)
def test_anything_else_is_not(status: int, word: str) -> None:
    assert step(EndpointAnswer(status))[:2] == (MessageStatus.QUEUED, word)


def test_410_ends_it_at_once() -> None:
    assert step(EndpointAnswer(410)) == (MessageStatus.FAILED, "gone", None)


def test_a_wish_to_wait_is_a_lower_bound_and_has_an_end() -> None:
    assert step(EndpointAnswer(429, retry_after=timedelta(seconds=1)))[2] == timedelta(seconds=5)
    assert step(EndpointAnswer(429, retry_after=timedelta(hours=1)))[2] == timedelta(hours=1)
    assert step(EndpointAnswer(503, retry_after=timedelta(days=365)))[2] == LONGEST_WAIT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("9" * 400, LONGEST_WAIT.total_seconds()),
        ("Sat, 21 Nov 2026 09:02:00 GMT", 120),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0),
    ],
)
def test_retry_after_as_seconds_or_as_a_date(value: str, seconds: float) -> None:
    found = retry_after(value, NOW, longest=LONGEST_WAIT)
    assert found is not None
    assert found.total_seconds() == seconds


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "1.5", "٣", "Sat, 99 Nov 2026 09:02:00 GMT", "21 Nov 2026 09:02:00"]
)
def test_a_wish_that_is_none(value: str) -> None:
    assert retry_after(value, NOW, longest=LONGEST_WAIT) is None


@given(st.text(max_size=50))
def test_whatever_an_endpoint_wishes_is_read_or_left_alone(value: str) -> None:
    found = retry_after(value, NOW, longest=LONGEST_WAIT)
    assert found is None or found >= timedelta()


def test_the_signature_is_what_the_specification_says() -> None:
    """The example of the specification's own reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_every_secret_signs_once_in_one_header() -> None:
    secrets = [signing.new_secret() for _ in range(2)]
    headers = signing.headers(secrets, "evt_1", NOW, b"{}")
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    for secret, found in zip(secrets, headers["webhook-signature"].split(" "), strict=True):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert 24 <= len(key) <= 64
        signed = f"evt_1.{headers['webhook-timestamp']}.{{}}".encode()
        assert found == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert len(set(secrets)) == 2
