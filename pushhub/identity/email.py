"""E-mail addresses: those that people sign in with, and mailboxes that mail goes to or comes from.

Whether somebody may have an address that was typed, `email-validator` says (RFC 5321, 5322); nobody is asked whether it
exists. What is written to has been through that, or is the operator's or a product's, and is read as a header is.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email

from pushhub.identity.masked import Masked

# Such as `local`: in a private network there are addresses under them.
SPECIAL_USE_DOMAIN_NAMES.clear()

#: As much of a domain as is shown: an address in its masked form has to fit where identifiers are kept.
_SHOWN_OF_DOMAIN = 60


class NotAnEmail(ValueError):
    """The typed text is no e-mail address."""


@dataclass(frozen=True, slots=True, repr=False)
class Email(Masked):
    """An e-mail address."""

    address: str

    @classmethod
    def parse(cls, text: str) -> Email:
        """Read an address as a person wrote it. The domain is in small letters. Raises `NotAnEmail`."""
        try:
            typed = mailbox(text.strip())
            found = validate_email(typed.addr_spec, allow_smtputf8=False, check_deliverability=False)
        except ValueError:  # the library's own error is one
            raise NotAnEmail from None
        if typed.display_name:
            raise NotAnEmail
        return cls(f"{found.local_part}@{found.ascii_domain}")

    @property
    def masked(self) -> str:
        """`ai****@example.kz`: the form in which people see it. Of a very long domain the end is shown."""
        name, _, domain = self.address.rpartition("@")
        if len(domain) > _SHOWN_OF_DOMAIN:
            domain = f"…{domain[1 - _SHOWN_OF_DOMAIN :]}"
        return f"{name[: min(2, len(name) - 1)]}****@{domain}"


def mailbox(value: str) -> Address:
    """`no-reply@example.kz` or `INDIGO <no-reply@example.kz>`, as mail headers are written (RFC 5322). Raises
    ValueError, which quotes nothing."""
    header = EmailMessage()
    try:
        header["from"] = value
        [address] = header["from"].addresses
        defects = header["from"].defects
    except (ValueError, LookupError, AttributeError, TypeError, MessageError):  # of the parser, for what is no address
        address, defects = None, ()
    if address is None or defects or not address.username or "." not in address.domain:
        raise ValueError("must be one mail address, such as INDIGO <no-reply@example.kz>")
    if not address.addr_spec.isascii():
        raise ValueError("must be an address of ASCII letters; write the domain as xn--…")
    return Address(address.display_name, address.username, address.domain)
