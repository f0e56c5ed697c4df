"""E-mail addresses: those that people sign in with, and mailboxes that mail goes to or comes from.

What an address is, `email-validator` says (RFC 5321, 5322); nobody is asked whether it exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, ValidatedEmail, validate_email

# Such as `local`: in a private network there are addresses under them.
SPECIAL_USE_DOMAIN_NAMES.clear()

#: As much of a domain as is shown: an address in its masked form has to fit where identifiers are kept.
_SHOWN_OF_DOMAIN = 60


class NotAnEmail(ValueError):
    """The typed text is no e-mail address."""


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address. Its text form is masked, so that it can't slip into a log."""

    address: str

    @classmethod
    def parse(cls, text: str) -> Email:
        """Read an address as a person wrote it. The domain is in small letters. Raises `NotAnEmail`."""
        try:
            found = _validated(text.strip())
        except EmailNotValidError:
            raise NotAnEmail from None
        return cls(f"{found.local_part}@{found.ascii_domain}")

    @property
    def masked(self) -> str:
        """`ai****@example.kz`: the form in which people see it. Of a very long domain the end is shown."""
        name, _, domain = self.address.rpartition("@")
        if len(domain) > _SHOWN_OF_DOMAIN:
            domain = f"…{domain[1 - _SHOWN_OF_DOMAIN :]}"
        return f"{name[: min(2, len(name) - 1)]}****@{domain}"

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Email({self.masked})"


def mailbox(value: str) -> Address:
    """`no-reply@example.kz` or `INDIGO <no-reply@example.kz>`. Raises ValueError, which quotes nothing."""
    header = EmailMessage()
    try:
        header["from"] = value
        [address] = header["from"].addresses
        found = _validated(address.addr_spec)
    except (ValueError, LookupError, AttributeError, TypeError, MessageError):  # of the parser, for what is no address
        raise ValueError("must be one mail address, such as INDIGO <no-reply@example.kz>") from None
    return Address(address.display_name, found.local_part, str(found.ascii_domain))


def _validated(text: str) -> ValidatedEmail:
    """Of ASCII letters; a domain of others is written as xn--…. Raises `EmailNotValidError`, a ValueError."""
    if not text.isascii():
        raise EmailNotValidError
    return validate_email(text, allow_smtputf8=False, check_deliverability=False)
