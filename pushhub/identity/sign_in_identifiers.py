"""What people sign in with. A profile names the kinds; each kind knows how it is written, found and shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from pushhub.channels.mail_server import mailbox
from pushhub.context import hub
from pushhub.identity.iin import Iin
from pushhub.identity.kz_id_checksum import WrongDigits
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import NumberInvalid

_LOGIN = re.compile(r"[\w][\w.\-/]{1,39}")
_LONGEST_EMAIL = 254
#: The part before the @ as all providers take it (RFC 5322 dot-atom), without the rarity of one in quotation marks.
_MAILBOX_NAME = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
#: As much of a domain as is shown: an address in its masked form has to fit where identifiers are kept.
_SHOWN_OF_DOMAIN = 60


@dataclass(frozen=True, slots=True)
class Identifier:
    """One way to name an account: a keyed digest to find it by, and what people may see of it."""

    kind: str
    digest: str
    masked: str


class NotAnEmail(ValueError):
    """What was typed is no e-mail address."""


class NotALogin(ValueError):
    """What was typed can be nobody's login."""


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address. Its text form is masked, so that it can't slip into a log."""

    address: str

    @classmethod
    def parse(cls, text: str) -> Email:
        """Read an address as a person wrote it. The domain is in small letters. Raises `NotAnEmail`."""
        try:
            found = mailbox(text.strip())
        except ValueError:
            raise NotAnEmail from None
        if found.display_name or len(found.addr_spec) > _LONGEST_EMAIL or not _MAILBOX_NAME.fullmatch(found.username):
            raise NotAnEmail
        return cls(f"{found.username}@{found.domain.lower()}")

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


def by_iin(iin: Iin) -> Identifier:
    """The identifier that an IIN is."""
    return Identifier("iin", hub().keyring.lookup_digest("account iin", iin.digits), iin.masked)


def by_number(number: PhoneNumber) -> Identifier:
    """The identifier that a phone number is."""
    return Identifier("number", hub().keyring.lookup_digest("account number", number.e164), number.masked)


def by_email(email: Email) -> Identifier:
    """The identifier that an e-mail address is. Capitals make no difference: hardly a server tells them apart."""
    return Identifier("email", hub().keyring.lookup_digest("account email", email.address.casefold()), email.masked)


def normal_login(text: str) -> str:
    """A login (or an account number) as it is compared, apart from capitals. Raises `NotALogin`."""
    login = unicodedata.normalize("NFKC", text.strip())
    if not _LOGIN.fullmatch(login):
        raise NotALogin
    return login


def by_login(text: str) -> Identifier:
    """The identifier that a login (or an account number) is; capitals make no difference. Raises `NotALogin`."""
    login = normal_login(text)
    return Identifier("login", hub().keyring.lookup_digest("account login", login.casefold()), f"{login[:2]}****")


def may_be(text: str, kinds: tuple[str, ...], today: date) -> tuple[Identifier, ...]:
    """What a text that was typed into one field for all may be, the likeliest first: an e-mail address has its sign,
    an IIN its check digit, a number its length; a login may be anything."""
    found: list[Identifier] = []
    for kind in ("email", "iin", "number", "login"):
        if kind not in kinds:
            continue
        try:
            found.append(_READERS[kind](text, today))
        except (NotAnEmail, WrongDigits, NumberInvalid, NotALogin):
            continue
    return tuple(found)


def as_number(text: str) -> PhoneNumber:
    """A phone number as a person wrote it; `8 705 …` is understood. Raises `NumberInvalid`."""
    digits = re.sub(r"[^\d+]", "", text)
    if re.fullmatch(r"8\d{10}", digits):
        digits = f"+7{digits[1:]}"
    elif re.fullmatch(r"7\d{10}", digits):
        digits = f"+{digits}"
    elif re.fullmatch(r"7\d{9}", digits):
        digits = f"+7{digits}"
    return PhoneNumber.parse(digits)


_READERS = {
    "email": lambda text, today: by_email(Email.parse(text)),
    "iin": lambda text, today: by_iin(Iin.parse(text, today)),
    "number": lambda text, today: by_number(as_number(text)),
    "login": lambda text, today: by_login(text),
}
