"""SMS through Apprise: what arrives at a gateway, what its no is, and that nothing is told to any log."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from channel_material import SECRETS, in_a_loop, message, run
from wire_world import NUMBER, build, send, settings_of, to_mailbox, to_number

from pushhub.channels.contract import Accepted, Outcome, PushKind, Rejected, Retry, TargetDead, TimeLimits
from pushhub.channels.sms import Gateway, SmsChannel
from pushhub.kernel.errors import ConfigurationError
from simulators import Simulators
from tests.support.logs import everything_in


def test_an_sms_arrives_with_title_and_text(sim: Simulators) -> None:
    sent = to_number()
    assert send(sim, "sms", sent) == [Accepted(str(sent.id))]
    [arrival] = sim.arrived()
    assert (arrival.provider, arrival.status, arrival.reason, arrival.target) == ("sms", 200, None, NUMBER)
    assert arrival.payload == {"to": NUMBER, "text": f"{sent.title}: {sent.body}"}


def test_a_text_without_a_title_stands_alone_and_digits_have_no_plus(sim: Simulators) -> None:
    url = sim.sms_url.replace("{number}", "{digits}")
    send(sim, "sms", to_number(title=""), PUSHHUB_SMS_URL=url)
    assert sim.arrived()[0].payload == {"to": NUMBER[1:], "text": "spoken only to you: Код"}


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ({"status": 500}, Retry("gateway_refused")),
        ({"status": 503, "retry_after": 5}, Retry("gateway_refused")),
        ({"status": 401}, Retry("gateway_refused")),
        ({"status": 404}, Retry("gateway_refused")),
        ({"reason": "No credit", "status": 200}, Retry("gateway_refused")),
        ({"fault": "reset"}, Retry("gateway_refused")),
        ({"fault": "truncate"}, Retry("gateway_refused")),
    ],
)
def test_a_gateways_no_is_a_retry(sim: Simulators, script: dict[str, Any], outcome: Outcome) -> None:
    sim.script(provider="sms", **script)
    first, second = send(sim, "sms", to_number(), to_number())
    assert first == outcome
    assert isinstance(second, Accepted)
    assert len(sim.arrived()) == 2  # one try for each, whatever the URL says


def test_the_url_can_not_make_two_tries_of_one(sim: Simulators) -> None:
    sim.script(provider="sms", status=500)
    assert send(sim, "sms", to_number(), PUSHHUB_SMS_URL=sim.sms_url + "?retry=3") == [Retry("gateway_refused")]
    assert len(sim.arrived()) == 1


def test_a_gateway_that_hangs_is_given_up_on_in_time(sim: Simulators) -> None:
    sim.script(provider="sms", fault="hang")
    began = time.monotonic()
    limits = TimeLimits(sms=0.3)
    assert send(sim, "sms", to_number(), limits=limits, PUSHHUB_SMS_URL=sim.sms_url + "?rto=60") == [Retry("timeout")]
    assert time.monotonic() - began < 30


def test_a_gateways_silence_is_no_refusal_however_soon_the_url_gives_up(sim: Simulators) -> None:
    sim.script(provider="sms", fault="hang")
    limits = TimeLimits(sms=0.5)
    assert send(sim, "sms", to_number(), limits=limits, PUSHHUB_SMS_URL=sim.sms_url + "?rto=0.1") == [Retry("timeout")]


def test_a_gateway_that_answers_late_has_taken_the_message(sim: Simulators) -> None:
    sim.script(provider="sms", delay=0.5)
    sent = to_number()
    assert send(sim, "sms", sent, PUSHHUB_SMS_URL=sim.sms_url + "?rto=0.1") == [Accepted(str(sent.id))]


def test_a_gateway_that_can_not_be_reached_has_taken_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as callers:
        for _ in range(3):  # it takes no more connections, nor refuses them
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        url = f"json://127.0.0.1:{full.getsockname()[1]}/{{digits}}?cto=0.3"
        assert run(SmsChannel(Gateway.parse(url)).send(to_number())) == Retry("gateway_refused")


@dataclass(frozen=True)
class Plugin(Gateway):
    """Apprise, doing what a test wants."""

    does: Callable[[str, str], bool | None]

    def deliver(self, number: str, text: str, *, time_limit: float) -> bool | None:
        return self.does(number, text)


@in_a_loop
async def test_what_has_not_begun_in_time_is_not_sent_and_not_taken_for_sent() -> None:
    begun: list[str] = []
    go_on = threading.Event()

    def slow(number: str, text: str) -> bool:
        begun.append(number)
        return go_on.wait(60)

    channel = SmsChannel(Plugin("x", "x", slow), time_limit=1.0, threads=1)
    outcomes = await asyncio.gather(*(channel.send(to_number(f"+7701000987{n}")) for n in range(3)))
    assert outcomes == [Retry("timeout"), *[Retry("gateway_busy")] * 2]
    go_on.set()
    await asyncio.sleep(0.1)
    await channel.close()
    assert await channel.send(to_number()) == Retry("closed")
    assert len(begun) == 1


def test_a_plugin_that_raises_is_a_retry(caplog: pytest.LogCaptureFixture) -> None:
    def broken(number: str, text: str) -> bool:
        raise LookupError(number + text)

    assert run(SmsChannel(Plugin("x", "x", broken)).send(to_number())) == Retry("gateway_failed")
    [record] = [record for record in caplog.records if "plugin broke off" in record.getMessage()]
    assert vars(record)["cause"] == "LookupError"
    assert NUMBER not in everything_in([record])


def test_a_number_that_apprise_does_not_understand_is_rejected() -> None:
    puzzled = SmsChannel(Plugin("x", "x", lambda number, text: None))
    assert run(puzzled.send(to_number())) == Rejected("number_not_understood")


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (message(PushKind.FCM_TOKEN), Rejected("wrong_target_kind")),
        (to_mailbox(), TargetDead("malformed_target")),
        (to_number("+7701000/?x="), TargetDead("malformed_target")),
        (to_number(body="\ud800"), Rejected("invalid_message")),
    ],
)
def test_what_can_not_be_sent_is_not_sent(sim: Simulators, sent: Any, outcome: Outcome) -> None:
    assert send(sim, "sms", sent) == [outcome]
    assert sim.arrived() == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("smseagle://secret7391@127.0.0.1/77010001122", "must hold {number} or {digits}"),
        ("nonsense7391://x/{number}", "is no URL that Apprise can use"),
        ("smpp://user:secret7391@10.0.0.1/77000000000/{digits}", "can't be SMPP: Apprise takes a refused SMS for sent"),
        ("smseagle://{number}", "is no URL that Apprise can use"),
        ("secret7391{number}", "is no URL that Apprise can use"),
        ("twilio://secret7391@+15551234567/{number}", "is no URL that Apprise can use"),
    ],
)
def test_a_url_that_can_not_be_used_stops_the_start_and_is_not_quoted(
    sim: Simulators, url: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigurationError) as refused:
        build(sim, "sms", PUSHHUB_SMS_URL=url)
    assert str(refused.value).startswith(f"PUSHHUB_SMS_URL {says}")
    assert "7391" not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("smsc://login:password@{digits}", "SMSC"),
        ("seven://key/{digits}", "seven"),
        ("d7sms://token@{digits}", "D7 Networks"),
        ("infobip://key@host.api.infobip.com/77000000000/{digits}", "Infobip"),
    ],
)
def test_gateways_of_many_kinds_are_understood(url: str, service: str) -> None:
    assert Gateway.parse(url).service == service
    assert "password" not in repr(Gateway.parse(url))


class FormGateway(BaseHTTPRequestHandler):
    """A gateway that takes a form, as most of those in Kazakhstan do."""

    forms: list[dict[str, list[str]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        type(self).forms.append(parse_qs(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def test_a_gateway_without_a_plugin_is_reached_by_a_form() -> None:
    FormGateway.forms = []
    server = HTTPServer(("127.0.0.1", 0), FormGateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_address[1]}"
    fields = ":recipient={digits}&:message=text&:title=&:version=&:type=&:from=INDIGO"
    try:
        channel = SmsChannel(Gateway.parse(f"form://{host}/service/send?{fields}"))
        outcome = run(channel.send(to_number(title="")))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert isinstance(outcome, Accepted)
    [form] = FormGateway.forms
    assert form == {"recipient": [NUMBER[1:]], "text": ["spoken only to you: Код"], "from": ["INDIGO"]}


def test_nothing_of_an_sms_reaches_any_log(sim: Simulators, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "apprise", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    for script in ({"status": 500}, {"fault": "reset"}, {"status": 200, "reason": f"{NUMBER} is blocked"}):
        sim.script(provider="sms", **script)
        send(sim, "sms", to_number())
    send(sim, "sms", to_number())
    told = everything_in(caplog.records)
    secret = sim.sms_url.split("/")[2].split("@")[0]
    assert not [word for word in (*SECRETS, NUMBER, NUMBER[1:], secret, "/jsonrpc") if word in told]
    assert secret not in repr(settings_of(sim))
    assert TimeLimits().sms <= 10


def test_apprise_writes_nothing_to_disk(sim: Simulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    send(sim, "sms", to_number())
    assert json.dumps([str(path) for path in tmp_path.rglob("*")]) == "[]"
