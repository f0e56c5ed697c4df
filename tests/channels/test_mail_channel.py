"""Mail: every row of the table over the real wire, both kinds of TLS, and that a mail is taken once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtplib import SMTPException, SMTPNotSupported, SMTPServerDisconnected
from channel_material import SECRETS, in_a_loop, message, run
from wire_world import MAILBOX, send, settings_of, to_mailbox, to_number

from pushhub.channels.configured import mail_channel
from pushhub.channels.contract import Accepted, ChannelDown, Outcome, PushKind, Rejected, Retry, TargetDead, TimeLimits
from pushhub.channels.email import EmailChannel
from pushhub.channels.mail_answers import SMTP_OUTCOMES, Stage, mail_failure
from pushhub.channels.mail_server import MailServer, Security, tls_context
from pushhub.identity.email import mailbox
from pushhub.kernel import clock
from pushhub.kernel.secret_files import root_certificates
from simulators import Simulators
from tests.support.logs import everything_in

#: Stage of the script, code, text, outcome.
ROWS: list[tuple[str, int, str, Outcome]] = [
    ("connect", 421, "4.3.2 Not now", Retry("smtp_421")),
    ("connect", 554, "5.7.1 Go away", ChannelDown("smtp_554")),
    ("ehlo", 421, "4.3.2 Not now", Retry("smtp_421")),
    ("ehlo", 550, "5.7.1 Not you", ChannelDown("smtp_550")),
    ("auth", 454, "4.7.0 Not now", Retry("smtp_454")),
    ("auth", 535, "5.7.8 Bad credentials", ChannelDown("smtp_535")),
    ("auth", 534, "5.7.9 Too weak", ChannelDown("smtp_534")),
    ("auth", 538, "5.7.11 Encrypt", ChannelDown("smtp_538")),
    ("mail", 451, "4.3.0 Not now", Retry("smtp_451")),
    ("mail", 530, "5.7.0 Log in", ChannelDown("smtp_530")),
    ("mail", 550, "5.7.1 Not in your name", ChannelDown("smtp_550")),
    ("mail", 552, "5.3.4 Too long", Rejected("smtp_552")),
    ("rcpt", 450, "4.2.1 Come again", Retry("smtp_450")),
    ("rcpt", 451, "4.7.1 Greylisted", Retry("smtp_451")),
    ("rcpt", 452, "4.2.2 Full", Retry("smtp_452")),
    ("rcpt", 501, "5.1.3 Malformed", TargetDead("smtp_501")),
    ("rcpt", 521, "5.3.2 No mail here", TargetDead("smtp_521")),
    ("rcpt", 530, "5.7.0 Log in", ChannelDown("smtp_530")),
    ("rcpt", 550, "5.1.1 No such user", TargetDead("smtp_550")),
    ("rcpt", 550, "No such user", TargetDead("smtp_550")),
    ("rcpt", 550, "5.7.1 Relaying denied", Rejected("smtp_550")),
    ("rcpt", 551, "5.1.6 Moved", TargetDead("smtp_551")),
    ("rcpt", 552, "5.2.2 Full", Retry("smtp_552")),
    ("rcpt", 553, "5.1.3 Not allowed", TargetDead("smtp_553")),
    ("rcpt", 554, "5.7.1 Blocked", Rejected("smtp_554")),
    ("rcpt", 556, "5.1.10 Takes no mail", TargetDead("smtp_556")),
    ("data", 451, "4.3.0 Not now", Retry("smtp_451")),
    ("data", 552, "5.3.4 Too long", Rejected("smtp_552")),
    ("data", 554, "5.6.0 Spam", Rejected("smtp_554")),
]


@pytest.fixture(params=["smtps", "smtp"])
def url(request: pytest.FixtureRequest, sim: Simulators) -> str:
    return sim.smtps_url if request.param == "smtps" else sim.smtp_url


def test_a_mail_arrives_as_it_was_written(sim: Simulators, url: str) -> None:
    sent = to_mailbox(title="Банк\r\nBcc: evil@example.kz", body="Код: 0042\n.\nspoken only to you")
    [outcome] = send(sim, "email", sent, PUSHHUB_SMTP_URL=url)
    [arrival] = sim.arrived()
    assert outcome == Accepted(f"<{sent.id}@simulated.example>")
    assert (arrival.provider, arrival.status, arrival.target) == ("email", 250, MAILBOX)
    assert arrival.payload["text"].replace("\r\n", "\n").rstrip() == sent.body
    assert arrival.payload["subject"] == "Банк Bcc: evil@example.kz"
    assert arrival.headers["message-id"] == f"<{sent.id}@simulated.example>"
    assert arrival.headers["auto-submitted"] == "auto-generated"
    assert arrival.headers["from"] == "pushhub <codes@simulated.example>"
    assert arrival.headers["to"] == MAILBOX
    assert "bcc" not in arrival.headers
    assert arrival.headers["date"].endswith("+0000")


def test_a_second_try_carries_the_same_message_id(sim: Simulators) -> None:
    sim.script(provider="email", fault="reset_after_taking")
    sent = to_mailbox()
    first, second = send(sim, "email", sent, sent)
    assert first == Retry("reset")
    assert isinstance(second, Accepted)
    assert len({arrival.message_id for arrival in sim.arrived()}) == 1
    assert len(sim.arrived()) == 2


@pytest.mark.parametrize(("stage", "code", "text", "outcome"), ROWS)
def test_an_answer_on_the_wire_is_the_outcome_of_the_table(
    sim: Simulators, stage: str, code: int, text: str, outcome: Outcome
) -> None:
    # After EHLO a client asks with HELO, and after AUTH PLAIN with AUTH LOGIN.
    times = 2 if stage in ("ehlo", "auth") and code != 421 else 1
    sim.script(provider="email", status=code, reason=text, detail={"stage": stage}, times=times)
    first, second = send(sim, "email", to_mailbox(), to_mailbox())
    assert first == outcome
    assert isinstance(second, Accepted)


def test_the_rows_above_are_all_rows_of_the_table() -> None:
    stages = {
        **{"connect": Stage.CONNECT, "ehlo": Stage.CONNECT, "auth": Stage.AUTH},
        **{"mail": Stage.SENDER, "rcpt": Stage.RECIPIENT, "data": Stage.DATA},
    }
    played = {(stages[stage], code) for stage, code, _, _ in ROWS}
    rows = {key if key in SMTP_OUTCOMES else (key[0], key[1] // 100) for key in played}
    assert rows == set(SMTP_OUTCOMES)


def test_a_mailbox_that_is_gone_is_a_dead_target(sim: Simulators) -> None:
    sim.declare(MAILBOX, unregistered_since=clock.now())
    assert send(sim, "email", to_mailbox()) == [TargetDead("smtp_550")]
    assert [arrival.status for arrival in sim.arrived()] == [550]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ({"fault": "reset", "detail": {"stage": "connect"}}, Retry("connect")),
        ({"fault": "reset", "detail": {"stage": "rcpt"}}, Retry("reset")),
        ({"fault": "reset"}, Retry("reset")),
        ({"fault": "truncate"}, Retry("reset")),
        ({"fault": "hang"}, Retry("timeout")),
        ({"fault": "hang", "detail": {"stage": "connect"}}, Retry("timeout")),
    ],
)
def test_a_server_that_falls_silent_is_a_retry_in_bounded_time(
    sim: Simulators, script: dict[str, Any], outcome: Outcome
) -> None:
    sim.script(provider="email", **script)
    [got] = send(sim, "email", to_mailbox(), limits=TimeLimits(mail=1.0))
    assert got in (outcome, Retry("connect_timeout"))


@asynccontextmanager
async def speaking(answers: Callable[[bytes], bytes | None]) -> AsyncIterator[int]:
    """A server on a port of this machine that answers each line with what is given; with nothing for None."""
    over: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over.append(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(ConnectionError):
            writer.write(b"220 hello\r\n")
            while line := await reader.readline():
                if (said := answers(line)) is not None:
                    writer.write(said)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*over)


@in_a_loop
async def test_what_was_taken_stays_taken_however_the_goodbye_goes() -> None:
    inside = False

    def answers(line: bytes) -> bytes | None:
        nonlocal inside
        if inside:
            inside = line != b".\r\n"
            return None if inside else b"250 taken\r\n"
        inside = line[:4].upper() == b"DATA"
        if inside:
            return b"354 go on\r\n"
        return None if line[:4].upper() == b"QUIT" else b"250 fine\r\n"

    async with speaking(answers) as port:
        outcome = await plain_channel(f"smtp://127.0.0.1:{port}", time_limit=0.5).send(to_mailbox())
    assert isinstance(outcome, Accepted)


def plain_channel(url: str, **more: float) -> EmailChannel:
    sender = mailbox("INDIGO <no-reply@example.kz>")
    return EmailChannel(server=MailServer.parse(url), sender=sender, context=tls_context(None), **more)


def test_nobody_listens_there(sim: Simulators) -> None:
    assert send(sim, "email", to_mailbox(), PUSHHUB_SMTP_URL="smtp://127.0.0.1:1") == [Retry("connect")]


def test_a_certificate_that_is_not_trusted_is_not_spoken_to(sim: Simulators) -> None:
    assert run(plain_channel(sim.smtps_url).send(to_mailbox())) == Retry("connect")
    assert sim.arrived() == []


@pytest.fixture
def demanding(sim: Simulators) -> EmailChannel:
    """As for a host that is not this machine: STARTTLS is demanded."""
    here = MailServer.parse(sim.smtp_url)
    server = MailServer("localhost", here.port, Security.STARTTLS, here.user, here.password)
    roots = root_certificates(sim.ca_path)
    return EmailChannel(server=server, sender=mailbox("a@example.kz"), context=tls_context(roots))


def test_starttls_is_made_before_anything_is_said(demanding: EmailChannel, sim: Simulators) -> None:
    assert isinstance(run(demanding.send(to_mailbox())), Accepted)
    assert run(demanding.greet()).startswith("TLSv1.")
    assert len(sim.arrived()) == 1


@in_a_loop
async def test_without_starttls_no_password_and_no_mail_go_out() -> None:
    said: list[bytes] = []

    def answers(line: bytes) -> bytes:
        said.append(line)
        return b"250 AUTH PLAIN\r\n"

    async with speaking(answers) as port:
        there = MailServer("localhost", port, Security.STARTTLS, "user", "password")
        channel = EmailChannel(server=there, sender=mailbox("a@example.kz"), context=tls_context(None))
        assert await channel.send(to_mailbox()) == ChannelDown("smtp_not_offered")
    assert {line[:4].upper() for line in said} == {b"EHLO"}


def test_a_wrong_password_needs_an_operator(sim: Simulators) -> None:
    wrong = sim.smtps_url.replace("pushhub:", "pushhub:x")
    assert send(sim, "email", to_mailbox(), PUSHHUB_SMTP_URL=wrong) == [ChannelDown("smtp_535")]


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (message(PushKind.FCM_TOKEN), Rejected("wrong_target_kind")),
        (to_number(), TargetDead("malformed_target")),
        (to_mailbox("a@example.kz, b@example.kz"), TargetDead("malformed_target")),
        (to_mailbox("a@example.kz>\r\nRCPT TO:<b@example.kz"), TargetDead("malformed_target")),
        (to_mailbox(body="\ud800"), Rejected("invalid_message")),
    ],
)
def test_what_can_not_be_sent_is_not_sent(sim: Simulators, sent: Any, outcome: Outcome) -> None:
    assert send(sim, "email", sent) == [outcome]
    assert sim.arrived() == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SMTPServerDisconnected("x"), Retry("reset")),
        (SMTPNotSupported("x"), Rejected("address_not_supported")),
        (SMTPException("x"), ChannelDown("smtp_not_offered")),
        (ConnectionRefusedError(), Retry("connect")),
        (TimeoutError(), Retry("timeout")),
        (ValueError("x"), Rejected("invalid_message")),
    ],
)
def test_every_exception_has_an_outcome(error: Exception, outcome: Outcome) -> None:
    assert mail_failure(error) == outcome


@in_a_loop
async def test_many_at_once_are_all_taken_with_eight_connections(sim: Simulators) -> None:
    channel = mail_channel(settings_of(sim), sim.smtps_url, root_certificates(sim.ca_path))
    outcomes = await asyncio.gather(*(channel.send(to_mailbox(f"a{n}@mail.kz")) for n in range(40)))
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len({arrival.target for arrival in sim.arrived()}) == 40


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://u:p@mail.kz", ("mail.kz", 465, Security.TLS, "u", "p")),
        ("smtps://u:p%40%2F@mail.kz:2465/", ("mail.kz", 2465, Security.TLS, "u", "p@/")),
        ("smtp://mail.kz", ("mail.kz", 587, Security.STARTTLS, None, None)),
        ("smtp://10.0.0.1:25", ("10.0.0.1", 25, Security.STARTTLS, None, None)),
        ("smtp://127.0.0.1:25", ("127.0.0.1", 25, Security.NONE, None, None)),
        ("smtp://[::1]:25", ("::1", 25, Security.NONE, None, None)),
        ("smtp://localhost", ("localhost", 587, Security.NONE, None, None)),
    ],
)
def test_the_url_says_where_and_how(url: str, server: tuple[Any, ...]) -> None:
    assert MailServer.parse(url) == MailServer(*server)
    assert "p@/" not in repr(MailServer.parse(url))


@pytest.mark.parametrize(
    "url",
    ["", "mail.kz", "http://mail.kz", "smtp://", "smtp://u@mail.kz", "smtp://mail.kz:99999", "smtp://mail.kz:0",
     "smtp://mail.kz/inbox", "smtps://user:secret7391/x@mail.kz", "smtp://mail.kz?x=1", "smtp://[::1"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        MailServer.parse(url)
    assert "7391" not in str(refused.value)


def test_a_display_name_in_any_script_is_written_so_that_it_can_be_read(sim: Simulators) -> None:
    send(sim, "email", to_mailbox(), PUSHHUB_MAIL_FROM="Ақпарат <x@example.kz>")
    [arrival] = sim.arrived()
    header = EmailMessage()
    header["from"] = arrival.headers["from"]
    assert header["from"].addresses[0].display_name == "Ақпарат"
    assert arrival.payload["from"] == "x@example.kz"


def test_no_address_text_or_password_reaches_the_log(sim: Simulators, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts: list[dict[str, Any]] = [
        {"status": 550, "reason": f"5.1.1 <{MAILBOX}> no such user"},
        {"fault": "reset"},
        {"status": 535, "reason": "no", "detail": {"stage": "auth"}},
    ]
    for script in scripts:
        sim.script(provider="email", **script)
        outcome = send(sim, "email", to_mailbox())
        assert MAILBOX not in repr(outcome)
    send(sim, "email", to_mailbox())
    told = everything_in(caplog.records)
    password = sim.smtps_url.split(":")[2].split("@")[0]
    assert not [word for word in (*SECRETS, MAILBOX, password) if word in told]
    assert password not in repr(settings_of(sim))
    assert TimeLimits().mail <= 10


@pytest.mark.parametrize(
    "text", ["(a).@b.kz", "().b@c.kz", "G, .8g@rrhbWX", "", "@", "a@b", "a b@c.kz", "a@b.kz, c@d.kz"]
)
def test_what_is_no_address_is_refused_whatever_the_parser_makes_of_it(text: str) -> None:
    with pytest.raises(ValueError, match="must be one mail address"):
        mailbox(text)
