"""The mail server speaks with smtplib, the SMS gateway with Apprise, and both refuse what the real ones refuse."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest
import requests
from apprise import Apprise

from simulators import Simulators

RECEIVER = "parent@mail.kz"
Control = Callable[..., tuple[int, Any]]


@pytest.fixture
def context(sim: Simulators) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(sim.ca_path))


@pytest.fixture
def client(sim: Simulators, context: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    """smtplib, logged in after STARTTLS."""
    parts = urlsplit(sim.smtp_url)
    with smtplib.SMTP("127.0.0.1", parts.port or 0, timeout=30) as client:
        client.starttls(context=context)
        client.login(parts.username or "", parts.password or "")
        yield client


def over_tls(parts: SplitResult, context: ssl.SSLContext) -> smtplib.SMTP_SSL:
    return smtplib.SMTP_SSL("127.0.0.1", parts.port or 0, timeout=30, context=context)


def mail(body: str = "Код 1234") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.kz", RECEIVER, "Подтверждение"
    made["Message-ID"] = "<1@example.kz>"
    made.set_content(body)
    return made


def test_a_mail_of_smtplib_is_in_the_inbox(sim: Simulators, client: smtplib.SMTP, control: Control) -> None:
    client.send_message(mail(".\n..dots\nend"), to_addrs=[RECEIVER, "other@mail.kz"])
    first, second = sim.arrived(provider="email")
    assert (first.target, second.target) == (RECEIVER, "other@mail.kz")
    assert (first.status, first.message_id) == (250, "<1@example.kz>")
    assert first.payload["subject"] == "Подтверждение"
    assert first.payload["text"].split() == [".", "..dots", "end"]
    shown = control("GET", f"/arrived?provider=email&target={RECEIVER}")[1]["arrived"]
    assert shown[0]["payload"]["to"] == RECEIVER
    assert shown[0]["answered"] is True


def test_tls_from_the_first_byte(sim: Simulators, context: ssl.SSLContext) -> None:
    parts = urlsplit(sim.smtps_url)
    with over_tls(parts, context) as client:
        client.ehlo()
        assert "starttls" not in client.esmtp_features
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(mail())
        assert refused.value.smtp_code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("pushhub", "wrong")
        client.login(parts.username or "", parts.password or "")
        client.send_message(mail())
    assert len(sim.arrived()) == 1


@pytest.mark.parametrize(
    ("commands", "codes"),
    [
        ([("HELP",)], [502]),
        ([("NOOP",)], [250]),
        ([("RCPT", "TO:<a@b.kz>")], [503]),
        ([("DATA",)], [503]),
        ([("MAIL", "FROM:nobody")], [501]),
        ([("MAIL", "FROM:<a@b.kz>"), ("MAIL", "FROM:<a@b.kz>")], [250, 503]),
        ([("MAIL", "FROM:<a@b.kz>"), ("RCPT", "TO:<nobody>")], [250, 501]),
        ([("MAIL", "FROM:<a@b.kz> SIZE=5"), ("RSET",), ("RCPT", "TO:<a@b.kz>")], [250, 250, 503]),
        ([("STARTTLS",)], [503]),
        ([("AUTH", "PLAIN")], [503]),
    ],
)
def test_commands_out_of_order_are_refused(
    client: smtplib.SMTP, commands: list[tuple[str, ...]], codes: list[int]
) -> None:
    assert [client.docmd(*command)[0] for command in commands] == codes


def test_a_mailbox_that_is_gone_and_a_message_that_is_too_long(sim: Simulators, client: smtplib.SMTP) -> None:
    sim.declare("gone@mail.kz", unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    refused = client.send_message(mail(), to_addrs=["gone@mail.kz", RECEIVER])
    assert refused["gone@mail.kz"][0] == 550
    with pytest.raises(smtplib.SMTPResponseException) as too_long:
        client.sendmail("a@example.kz", RECEIVER, b"x: y\r\n\r\n" + b"line\r\n" * 50_000)
    assert too_long.value.smtp_code == 552
    assert [each.status for each in sim.arrived()] == [550, 250, 552]


def test_a_line_without_end_is_cut_off(sim: Simulators) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(sim.smtp_url).port or 0), timeout=30) as raw:
        assert raw.recv(100).startswith(b"220 ")
        raw.sendall(b"x" * 5000)
        assert raw.recv(100).startswith(b"500 ")
        assert raw.recv(100) == b""


def test_a_stage_can_be_scripted_with_a_delay(sim: Simulators, client: smtplib.SMTP) -> None:
    sim.script(provider="email", delay=0.3, detail={"stage": "mail"})
    began = time.monotonic()
    client.send_message(mail())
    assert time.monotonic() - began >= 0.3
    sim.script(provider="email", target=RECEIVER, status=450, reason="4.2.1 Later")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.send_message(mail())
    assert refused.value.recipients[RECEIVER] == (450, b"4.2.1 Later")
    assert [each.reason for each in sim.arrived()] == [None, "4.2.1 Later"]


def test_half_of_the_mails_are_answered(sim: Simulators, context: ssl.SSLContext) -> None:
    sim.script(provider="email", fault="half", times=4)
    parts = urlsplit(sim.smtps_url)

    def send(_: int) -> str:
        try:
            with over_tls(parts, context) as client:
                client.login(parts.username or "", parts.password or "")
                client.send_message(mail())
                return "told"
        except (smtplib.SMTPException, OSError):
            return "lost"

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(send, range(4)))
    assert sorted(outcomes) == ["lost", "lost", "told", "told"]
    assert [each.status for each in sim.arrived()] == [250] * 4


def test_stopping_closes_mail_connections_too(tmp_path: Any) -> None:
    with Simulators(tmp_path) as sim:
        raw = socket.create_connection(("127.0.0.1", urlsplit(sim.smtp_url).port or 0), timeout=30)
        assert raw.recv(100).startswith(b"220 ")
    with raw:
        assert raw.recv(1) == b""


#: Apprise imports all of its plugins at the first look at a URL, and one of them warns of an import of its own.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_apprise_sends_to_the_gateway(sim: Simulators) -> None:
    assert Apprise.instantiate(sim.sms_url.replace("{number}", "%2B77010001122")).notify(body="Код 1234")
    [arrival] = sim.arrived(provider="sms", target="+77010001122")
    assert arrival.payload == {"to": "+77010001122", "text": "Код 1234"}
    assert "token" not in str(arrival.payload)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"access_token": "wrong"}, "Invalid access_token"),
        ({"to": "somebody"}, "Wrong number"),
        ({"to": None}, "Wrong number"),
        ({"message": ""}, "No message"),
    ],
)
def test_the_gateway_refuses_in_the_body(sim: Simulators, changes: dict[str, Any], reason: str) -> None:
    token = sim.sms_url.split("/")[2].split("@")[0]
    params = {"access_token": token, "to": "+77010001122", "message": "x", **changes}
    address = f"http://{sim.sms_url.split('@')[1].split('/')[0]}/jsonrpc/sms"
    response = requests.post(address, json={"method": "sms.send_sms", "params": params}, timeout=30)
    assert response.status_code == 200
    assert response.json()["result"] == {"message_id": "0", "status": "error", "error_text": reason}
    assert requests.post(address, json={"method": "sms.send_ussd"}, timeout=30).json()["result"]["status"] == "error"
    assert requests.get(address, timeout=30).status_code == 404


def test_a_blocked_number_and_a_script(sim: Simulators) -> None:
    def notified() -> bool | None:
        # Each time anew: one and the same waits for 5.5 s between its requests.
        return Apprise.instantiate(sim.sms_url.replace("{number}", "77010001122")).notify(body="x")

    sim.declare("77010001122", unregistered_since=datetime(2026, 1, 2, tzinfo=UTC))
    assert notified() is False
    sim.declare("77010001122")
    sim.script(provider="sms", status=500)
    assert notified() is False
    assert notified() is True
    assert [(each.status, each.reason) for each in sim.arrived()] == [(200, "Number blocked"), (500, None), (200, None)]
