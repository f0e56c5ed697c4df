"""Google's credential is asked for once for all, in time, not too often."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from channel_material import Ticks, answer, in_a_loop, run, service_account
from firebase_admin.credentials import Certificate
from google.auth.exceptions import RefreshError

from pushhub.channels.contract import ChannelDown, Outcome, Retry
from pushhub.channels.credentials import Grant, OAuthCredential, google_fetch
from pushhub.channels.transport import Response, TransportFailed

#: google-auth has no types.
Refused: Any = RefreshError


class Google:
    """Counts how often it is asked; each grant is numbered."""

    def __init__(self, lifetime: float = 3600.0, *failures: Exception) -> None:
        self.asked = 0
        self.lifetime = lifetime
        self.failures = list(failures)

    def __call__(self) -> Grant:
        self.asked += 1
        time.sleep(0.02)
        if self.failures:
            raise self.failures.pop(0)
        return Grant(f"Bearer {self.asked}", self.lifetime)


@in_a_loop
async def test_a_hundred_messages_at_once_ask_google_once() -> None:
    google = Google()
    credential = OAuthCredential(google)
    assert set(await asyncio.gather(*(credential.header() for _ in range(100)))) == {"Bearer 1"}
    assert google.asked == 1


@in_a_loop
async def test_the_event_loop_goes_on_while_google_is_asked() -> None:
    may_answer = threading.Event()

    def google() -> Grant:
        return Grant("Bearer 1" if may_answer.wait(30) else "Bearer late", 3600.0)

    asking = asyncio.create_task(OAuthCredential(google, time_limit=60.0).header())
    for _ in range(5):
        await asyncio.sleep(0.001)
    assert not asking.done()
    may_answer.set()
    assert await asking == "Bearer 1"


@in_a_loop
async def test_a_new_credential_is_had_in_the_background_before_the_old_one_ends() -> None:
    google, ticks = Google(), Ticks()
    credential = OAuthCredential(google, monotonic=ticks)
    assert await credential.header() == "Bearer 1"
    ticks.at += 3600 - 299
    assert [await credential.header() for _ in range(3)] == ["Bearer 1"] * 3
    async with asyncio.timeout(30):
        while (header := await credential.header()) == "Bearer 1":
            await asyncio.sleep(0.001)
    assert header == "Bearer 2"
    assert google.asked == 2


@in_a_loop
async def test_a_credential_at_its_end_is_used_no_more() -> None:
    ticks = Ticks()
    credential = OAuthCredential(Google(), monotonic=ticks)
    assert await credential.header() == "Bearer 1"
    ticks.at += 3600 - 29
    assert await asyncio.gather(*(credential.header() for _ in range(5))) == ["Bearer 2"] * 5


@in_a_loop
async def test_a_credential_of_a_short_life_serves_for_half_of_it() -> None:
    ticks = Ticks()
    credential = OAuthCredential(Google(lifetime=20.0), monotonic=ticks)
    assert [await credential.header(), await credential.header()] == ["Bearer 1", "Bearer 1"]
    ticks.at += 11
    assert await credential.header() == "Bearer 2"


@in_a_loop
async def test_messages_under_way_with_a_refused_credential_drop_it_only_once() -> None:
    google = Google()
    credential = OAuthCredential(google, monotonic=Ticks())
    header = str(await credential.header())
    assert credential.refused(header)
    await credential.header()
    assert [credential.refused(header), credential.refused("Bearer 2")] == [True, False]
    assert google.asked == 2


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (TransportFailed("connect"), Retry("oauth_connect")),
        (TransportFailed("request"), ChannelDown("oauth_request")),
        (Refused("no", {"error": "invalid_grant"}), ChannelDown("oauth_invalid_grant")),
        (Refused("no", {"error": "secret word"}), ChannelDown("oauth_refused")),
        (Refused("no"), ChannelDown("oauth_refused")),
        (Refused("no", retryable=True), Retry("oauth_unavailable")),
        (KeyError("expires_in"), Retry("oauth_unreadable_answer")),
        (OverflowError(), Retry("oauth_unreadable_answer")),
    ],
)
def test_a_renewal_that_fails_is_an_outcome(failure: Exception, outcome: Outcome) -> None:
    assert run(OAuthCredential(Google(3600.0, failure)).header()) == outcome


@in_a_loop
async def test_after_a_failure_google_is_left_alone_for_a_second() -> None:
    ticks = Ticks()
    credential = OAuthCredential(Google(3600.0, TransportFailed("reset")), monotonic=ticks)
    assert [await credential.header() for _ in range(5)] == [Retry("oauth_reset")] * 5
    ticks.at += 1
    assert await credential.header() == "Bearer 2"


def test_a_renewal_has_a_time_limit() -> None:
    def slow() -> Grant:
        time.sleep(1)
        return Grant("Bearer late", 3600.0)

    assert run(OAuthCredential(slow, time_limit=0.01).header()) == Retry("oauth_timeout")


@in_a_loop
async def test_the_message_that_gives_up_does_not_stop_the_renewal_for_the_others() -> None:
    google = Google()
    credential = OAuthCredential(google)
    impatient, patient = (asyncio.create_task(credential.header()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "Bearer 1"
    assert google.asked == 1


def fetch_with(response: Response) -> tuple[Callable[[], Grant], list[str]]:
    posted: list[str] = []

    def post(url: str, headers: object, body: bytes, extra_roots: bytes | None) -> Response:
        posted.append(body.decode())
        return response

    return google_fetch(Certificate(service_account()), None, post=post), posted


def test_google_is_asked_with_a_signature_for_the_one_scope() -> None:
    token = {"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}
    fetch, posted = fetch_with(answer(200, token))
    assert fetch() == Grant("Bearer ya29.x", 3599.0)
    assertion = posted[0].partition("assertion=")[2].partition("&")[0]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"


@pytest.mark.parametrize(
    "response",
    [
        answer(200, b"<html>"),
        answer(200, b"[" * 100_000),
        answer(200, []),
        answer(200, {}),
        answer(200, {"access_token": "x"}),
        answer(200, {"access_token": 5, "expires_in": 5}),
        answer(200, {"access_token": "a\nb", "expires_in": 5}),
        answer(200, {"access_token": "x", "expires_in": -5}),
        answer(200, {"access_token": "x", "expires_in": 1e300}),
        answer(200, {"access_token": "x", "expires_in": "soon"}),
        answer(200, b'{"access_token": "x", "expires_in": NaN}'),
        answer(400, []),
        answer(400, b"\xff"),
        answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
    ],
)
def test_a_garbled_answer_of_google_is_an_outcome(response: Response) -> None:
    fetch, _ = fetch_with(response)
    assert isinstance(run(OAuthCredential(fetch).header()), (Retry, ChannelDown))


def test_no_credential_shows_in_a_repr() -> None:
    assert "ya29" not in repr(Grant("Bearer ya29.x", 1.0))
    assert json.dumps("ya29") not in repr(answer(200, {"access_token": "ya29"}))
