"""One POST on a real wire: endpoints that behave badly, names that stand for something else, TLS that is not right."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushhub.webhooks.guarded_client import GuardedClient, trusted
from pushhub.webhooks.resolver import Resolver, TargetRefused, look_up
from pushhub.webhooks.rules import EndpointAnswer
from pushhub.webhooks.targets import Target, UrlRefusal, target_of
from simulators.certificates import Certificates, prepare_certificates
from tests.webhooks.conftest import HOST
from tests.webhooks.receiver import Receiver, closes, hangs, never_ends, resets, says, talks_garbage, trickles

Post = Callable[..., EndpointAnswer]
SECRET_HEADERS = {"webhook-signature": "v1,x"}
PRIVATE = EndpointAnswer(error="private_address")


@pytest.fixture
def post(certificates: Certificates) -> Post:
    """The answer of the last of some POSTs on one wire, which trusts the authority of the endpoint's certificate."""

    def posted(
        url: str, resolver: Resolver | None = None, *, trusting: Certificates | None = certificates, **how: Any
    ) -> EndpointAnswer:
        target, times, body = target_of(url, private_allowed=True), how.pop("times", 1), how.pop("body", b"{}")
        assert isinstance(target, Target)

        async def go() -> EndpointAnswer:
            context = trusted(trusting.ca.read_bytes() if trusting else None)
            async with GuardedClient(context, resolver or Resolver(), **{"private_allowed": True} | how) as line:
                for _ in range(times):
                    answer = await line.post(target, SECRET_HEADERS, body)
            return answer

        return asyncio.run(go())

    return posted


def knowing(known: dict[str, list[str]]) -> Resolver:
    """With a DNS of our own: what is in it is answered, everything else is asked of the real one."""
    return Resolver(lambda host, port: known[host] if host in known else look_up(host, port))


def test_a_yes_is_a_yes_and_the_connection_is_used_again(receiver: Receiver, post: Post) -> None:
    receiver.behaviour = says(200, "thank you")
    assert post(receiver.url(), times=3, body=b'{"a": 1}') == EndpointAnswer(200)
    assert [request.body for request in receiver.received] == [b'{"a": 1}'] * 3
    assert receiver.connections == 1
    assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
    assert receiver.received[0].headers["content-length"] == "8"


def test_the_name_is_what_the_certificate_and_the_host_header_are_about(receiver: Receiver, post: Post) -> None:
    # The same address; the certificate is for the first name only.
    resolver = knowing({HOST: ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    assert post(receiver.url(host=HOST), resolver) == EndpointAnswer(204)
    assert receiver.received[0].headers["host"] == f"{HOST}:{receiver.port}"
    assert post(receiver.url(host="other.test"), resolver) == EndpointAnswer(error="certificate")


def test_a_connection_for_one_name_is_not_used_for_another_one_at_the_same_address(
    receiver: Receiver, certificates: Certificates
) -> None:
    resolver = knowing({HOST: ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    targets = [target_of(receiver.url(host=host), private_allowed=True) for host in (HOST, "other.test")]

    async def go() -> list[EndpointAnswer]:
        async with GuardedClient(trusted(certificates.ca.read_bytes()), resolver, private_allowed=True) as line:
            return [await line.post(target, {}, b"{}") for target in targets if isinstance(target, Target)]

    assert asyncio.run(go()) == [EndpointAnswer(204), EndpointAnswer(error="certificate")]


def test_an_authority_that_nobody_trusts_is_refused_in_a_clear_word(receiver: Receiver, post: Post) -> None:
    assert post(receiver.url(), trusting=None) == EndpointAnswer(error="certificate")
    assert receiver.received == []


def test_a_certificate_of_another_authority_is_refused(receiver: Receiver, tmp_path: Path, post: Post) -> None:
    another = prepare_certificates(tmp_path, "localhost")
    assert post(receiver.url(), trusting=another) == EndpointAnswer(error="certificate")


def test_a_server_without_tls_where_tls_is_expected(make_receiver: Any, post: Post) -> None:
    plain = make_receiver(tls=False)
    assert post(f"https://localhost:{plain.port}/").error == "tls"
    assert post(f"http://localhost:{plain.port}/") == EndpointAnswer(204)


def test_tls_older_than_1_2_is_not_spoken(certificates: Certificates) -> None:
    assert trusted(certificates.ca.read_bytes()).minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("behaviour", "answer"),
    [
        (talks_garbage, EndpointAnswer(error="no_http")),
        (closes, EndpointAnswer(error="no_http")),
        (resets, EndpointAnswer(error="reset")),
        (says(99999, ""), EndpointAnswer(error="no_http")),
        (says(200, X="y" * 200_000), EndpointAnswer(error="no_http")),
        (says(404, "no"), EndpointAnswer(404)),
        (says(200, Content_Encoding="gzip", X="not gzip"), EndpointAnswer(200)),
    ],
    ids=["garbage", "closes", "resets", "no status", "endless headers", "404", "not what it says"],
)
def test_what_an_endpoint_may_do_instead_of_answering(
    receiver: Receiver, post: Post, behaviour: Any, answer: EndpointAnswer
) -> None:
    receiver.behaviour = behaviour
    assert post(receiver.url()) == answer


def test_an_endpoint_that_hangs_costs_the_time_limit(receiver: Receiver, post: Post) -> None:
    receiver.behaviour = hangs
    began = time.monotonic()
    assert post(receiver.url(), total_seconds=0.5) == EndpointAnswer(error="timeout")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("behaviour", [never_ends, trickles])
def test_of_a_body_without_an_end_little_is_read_and_the_status_counts(
    receiver: Receiver, post: Post, behaviour: Any
) -> None:
    receiver.behaviour = behaviour
    began = time.monotonic()
    assert post(receiver.url(), times=2, body_seconds=0.5) == EndpointAnswer(200)
    assert time.monotonic() - began < 8
    assert receiver.connections == 2  # such a connection is not used again


def test_nobody_listens(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert post(f"https://localhost:{port}/") == EndpointAnswer(error="connect")


def test_a_name_that_is_nowhere(post: Post) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    resolver = Resolver(nowhere)
    assert post("https://nowhere.test/", resolver) == EndpointAnswer(error="name_not_found")
    with pytest.raises(TargetRefused) as refused:
        resolver.check(Target("https", "nowhere.test", 443, "/"), private_allowed=True)
    assert refused.value.reason is UrlRefusal.NAME_NOT_FOUND


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["fe80::1%eth0"]],
)
def test_a_name_that_stands_for_a_private_address_is_not_connected_to(
    receiver: Receiver, post: Post, addresses: list[str]
) -> None:
    resolver = knowing({HOST: addresses})
    assert post(receiver.url(host=HOST), resolver, private_allowed=False) == PRIVATE
    assert receiver.connections == 0
    with pytest.raises(TargetRefused) as refused:
        resolver.check(Target("https", HOST, 443, "/"), private_allowed=False)
    assert refused.value.reason is UrlRefusal.PRIVATE_ADDRESS


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "localhost"])
def test_this_machine_is_recognised_in_every_notation(receiver: Receiver, post: Post, host: str) -> None:
    assert post(receiver.url(host=host), private_allowed=False) == PRIVATE
    assert receiver.connections == 0


def test_the_connection_goes_to_the_address_that_was_looked_at(receiver: Receiver, post: Post) -> None:
    """A DNS that answers well at first and badly after that (rebinding) gets nowhere: it is asked once."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
    asked = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    resolver = Resolver(changing, is_public=lambda address: address == "127.0.0.1")
    assert post(receiver.url(host=HOST), resolver, private_allowed=False) == EndpointAnswer(204)
    assert asked == [HOST]
    assert post(receiver.url(host=HOST), resolver, private_allowed=False) == PRIVATE
    assert len(receiver.received) == 1


def test_the_second_address_is_tried_where_the_first_one_does_not_answer(receiver: Receiver, post: Post) -> None:
    resolver = knowing({HOST: ["::1", "127.0.0.1"]})  # nobody listens on ::1
    assert post(receiver.url(host=HOST), resolver) == EndpointAnswer(204)


def test_a_slow_look_up_is_no_answer_and_holds_up_nobody_else(
    receiver: Receiver, post: Post, certificates: Certificates
) -> None:
    may_answer = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        if host == HOST:
            may_answer.wait(60)
        return look_up(host, port)

    resolver = Resolver(slow, time_limit=0.2)
    url = receiver.url(host=HOST)

    async def both() -> tuple[EndpointAnswer, EndpointAnswer]:
        slow_one, good_one = (target_of(each, private_allowed=True) for each in (url, receiver.url()))
        assert isinstance(slow_one, Target)
        assert isinstance(good_one, Target)
        context = trusted(certificates.ca.read_bytes())
        async with GuardedClient(context, resolver, private_allowed=True, total_seconds=30.0) as line:
            waiting = asyncio.create_task(line.post(slow_one, {}, b"{}"))
            good = await line.post(good_one, {}, b"{}")
            assert not waiting.done()
            may_answer.set()
            return good, await waiting

    try:
        assert post(url, resolver, total_seconds=0.3) == EndpointAnswer(error="timeout")
        with pytest.raises(TargetRefused):
            resolver.check(Target("https", HOST, 443, "/"), private_allowed=True)
        assert asyncio.run(both()) == (EndpointAnswer(204), EndpointAnswer(error="name_not_found"))
    finally:
        may_answer.set()


def test_a_wish_to_wait_is_taken_from_the_answer(receiver: Receiver, post: Post) -> None:
    receiver.behaviour = says(503, Retry_After="120")
    answer = post(receiver.url())
    assert answer.retry_after is not None
    assert answer.retry_after.total_seconds() == 120
    receiver.behaviour = says(429, Retry_After="soon")
    assert post(receiver.url()) == EndpointAnswer(429)
