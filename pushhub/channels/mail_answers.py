"""What a mail server's answers mean, as one table. Total: every exception of a try has an outcome.

Where S, E, N and A stand below, the source is

    S  RFC 5321, 4.2 and 4.3.2 (replies)      E  RFC 3463 (enhanced codes)
    N  RFC 7504 (521, 556: takes no mail)     A  RFC 4954, 6 (authentication)

An outcome's `reason` is `smtp_` and the server's code, or a word of ours in small letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

import aiosmtplib

from pushhub.channels.contract import ChannelDown, Outcome, Rejected, Retry
from pushhub.channels.outcomes import DEAD, DOWN, REJECTED, AnswerRow, outcome_of


class Stage(Enum):
    """The step of the conversation that the server answered to."""

    CONNECT = "connect"  # the connection and its greeting, EHLO
    AUTH = "auth"
    SENDER = "sender"  # MAIL FROM
    RECIPIENT = "recipient"  # RCPT TO
    DATA = "data"  # the message itself


_RETRY = AnswerRow(Retry)

#: By stage and code, or the code's first digit for all others of it.
SMTP_OUTCOMES: Final[Mapping[tuple[Stage, int], AnswerRow]] = {
    (Stage.CONNECT, 4): _RETRY,  # S: 421, not now
    (Stage.CONNECT, 5): DOWN,  # S: 554, no mail service for us here
    (Stage.AUTH, 4): _RETRY,  # A: 454, not now
    (Stage.AUTH, 5): DOWN,  # A: 535, 534, 538: user or password
    (Stage.SENDER, 4): _RETRY,
    (Stage.SENDER, 552): REJECTED,  # S: the message is too long
    (Stage.SENDER, 5): DOWN,  # S: PUSHHUB_MAIL_FROM is not allowed; A: 530, a password is wanted
    (Stage.RECIPIENT, 4): _RETRY,  # S: 450, 451, 452, also to see whether we come again
    (Stage.RECIPIENT, 501): DEAD,  # S: the address is malformed
    (Stage.RECIPIENT, 521): DEAD,  # N: the host takes no mail
    (Stage.RECIPIENT, 530): DOWN,  # A: a password is wanted
    (Stage.RECIPIENT, 550): DEAD,  # S: no such mailbox; but see `_policy`
    (Stage.RECIPIENT, 551): DEAD,  # S: not here
    (Stage.RECIPIENT, 552): _RETRY,  # S: a full mailbox, to be taken as 452
    (Stage.RECIPIENT, 553): DEAD,  # S: the name is not allowed
    (Stage.RECIPIENT, 556): DEAD,  # N: the domain takes no mail
    (Stage.RECIPIENT, 5): REJECTED,
    (Stage.DATA, 4): _RETRY,
    (Stage.DATA, 5): REJECTED,  # S: 552 too long, 554 refused for what it says
}

_STAGES: tuple[tuple[type[aiosmtplib.SMTPResponseException], Stage], ...] = (
    (aiosmtplib.SMTPAuthenticationError, Stage.AUTH),
    (aiosmtplib.SMTPSenderRefused, Stage.SENDER),
    (aiosmtplib.SMTPRecipientRefused, Stage.RECIPIENT),
    (aiosmtplib.SMTPDataError, Stage.DATA),
    (aiosmtplib.SMTPConnectResponseError, Stage.CONNECT),
    (aiosmtplib.SMTPHeloError, Stage.CONNECT),
)

#: E: 5.7.x speaks of a rule, not of the mailbox: "relaying denied", "blocked". No address dies of it.
_POLICY = re.compile(r"\s*5\.7\.")


def mail_failure(error: Exception) -> Outcome:
    """What an exception of `aiosmtplib` means. Its text is looked at for nothing but the enhanced code."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return mail_failure(error.recipients[0]) if error.recipients else Rejected("recipient_refused")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        stage = next((stage for kind, stage in _STAGES if isinstance(error, kind)), Stage.CONNECT)
        return _answered(stage, error.code, error.message)
    return _unanswered(error)


def _answered(stage: Stage, code: int, text: str) -> Outcome:
    row = SMTP_OUTCOMES.get((stage, code)) or SMTP_OUTCOMES.get((stage, code // 100))
    if row is None:  # neither 4xx nor 5xx: not a mail server, or one that lost its thread
        return Retry("smtp_protocol")
    if row is DEAD and _POLICY.match(text):
        row = REJECTED
    return outcome_of(row, f"smtp_{code}", {})


def _unanswered(error: Exception) -> Outcome:
    match error:
        case aiosmtplib.SMTPConnectTimeoutError():
            return Retry("connect_timeout")
        case aiosmtplib.SMTPTimeoutError() | TimeoutError():
            return Retry("timeout")
        case aiosmtplib.SMTPServerDisconnected():
            return Retry("reset")
        case aiosmtplib.SMTPConnectError() | OSError():
            return Retry("connect")
        case aiosmtplib.SMTPNotSupported():
            return Rejected("address_not_supported")
        case aiosmtplib.SMTPException():  # STARTTLS or AUTH is not offered
            return ChannelDown("smtp_not_offered")
        case _:
            return Rejected("invalid_message")
