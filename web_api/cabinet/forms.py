"""Reading what people typed into a form of this cabinet, and saying what is wrong with it in their language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import request
from flask_babel import gettext as _

from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.sign_in_identifiers import Identifier, by_email, by_iin, by_login, by_number
from pushhub.cabinets.profile import Consent
from pushhub.identity.email import Email, NotAnEmail
from pushhub.identity.iin import DigitsProblem, Iin, WrongDigits
from pushhub.identity.login import NotALogin
from pushhub.identity.phone import PhoneNumber, as_number
from pushhub.kernel.clock import now
from pushhub.kernel.errors import NumberInvalid
from web_api.cabinet.request_context import caller, profile

_UNSTORABLE = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff]")
_LONGEST = 300
#: Fields whose text does not go back into the page.
_SECRET = ("password", "repeat")


@dataclass(slots=True)
class Form:
    """A form that was sent, or an empty one: what was typed and what is wrong, by field."""

    typed: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls) -> Form:
        """The form of this request."""
        return cls({name: _UNSTORABLE.sub("", value)[:_LONGEST] for name, value in request.form.items()})

    def text(self, name: str) -> str:
        """What was typed into a field, without spaces around it."""
        return self.typed.get(name, "").strip()

    def raw(self, name: str) -> str:
        """What was typed, as it is: a password may begin with a space."""
        return self.typed.get(name, "")

    def shown(self, name: str) -> str:
        """The typed text of a field, as it goes back into the page."""
        return "" if name in _SECRET else self.text(name)

    def refuse(self, name: str, why: str) -> None:
        """Say what is wrong with a field; the first word about it stands."""
        self.problems.setdefault(name, why)

    def refuse_until(self, name: str, why: str, until: datetime | None) -> None:
        """The same, with `{when}` in the words: from when it goes on."""
        self.refuse(name, why.format(when=_clock_time(until)))

    @property
    def good(self) -> bool:
        return not self.problems

    def iin(self, name: str, *, required: bool = True) -> Iin | None:
        """The IIN in a field, or None with its problem noted."""
        text = self.text(name)
        if not text:
            if required:
                self.refuse(name, _("Enter the IIN: 12 digits."))
            return None
        try:
            return Iin.parse(text, now().date())
        except WrongDigits as problem:
            self.refuse(name, _iin_words()[problem.problem])
            return None

    def number(self, name: str) -> PhoneNumber | None:
        """The phone number in a field, or None with its problem noted. `8 705 …` is understood."""
        if self.text(name).replace(" ", "") in ("", "+", "7", "+7"):  # the mask of an empty field
            self.refuse(name, _("Enter the phone number."))
            return None
        try:
            return as_number(self.text(name))
        except NumberInvalid:
            self.refuse(name, _("That is not a phone number. Write it with the country code: +7 (701) 123-45-67."))
            return None

    def served_number(self, name: str) -> PhoneNumber | None:
        """The same, with it noted where the product does not serve the country."""
        number = self.number(name)
        if number is not None and not caller().policy.serves(number.country):
            self.refuse(name, _("Numbers of this country are not served."))
        return number

    def email(self, name: str) -> Email | None:
        """The e-mail address in a field, or None with its problem noted."""
        if not self.text(name):
            self.refuse(name, _("Enter the e-mail address."))
            return None
        try:
            return Email.parse(self.text(name))
        except NotAnEmail:
            self.refuse(name, _("That is not an e-mail address. Write it like aigerim@example.kz."))
            return None

    def identifier(self, kind: str, *, required: bool = True) -> Identifier | None:
        """What somebody signs in with, from the field that is named like its kind; None with its problem noted."""
        if not self.text(kind) and not required:
            return None
        if kind == "iin":
            iin = self.iin(kind)
            return by_iin(iin) if iin is not None else None
        if kind == "number":
            number = self.number(kind)
            return by_number(number) if number is not None else None
        if kind == "email":
            email = self.email(kind)
            return by_email(email) if email is not None else None
        try:
            return by_login(self.text(kind))
        except NotALogin:
            self.refuse(kind, _("Enter the login: 2 to 40 letters, digits, dots or dashes."))
            return None

    def consents(self, consents: Iterable[Consent]) -> None:
        """Note every box that has to be ticked and is not."""
        for consent in consents:
            if not self.text(f"consent-{consent.id}"):
                self.refuse(f"consent-{consent.id}", _("Tick this box to go on."))

    def new_password(self, rule: PasswordRule) -> str:
        """The new password that was typed twice, with its problems noted."""
        password = self.raw("password")
        if not password:
            self.refuse("password", _("Think of a password and enter it."))
        elif rule.unmet(password):
            self.refuse("password", _("The password does not meet the points marked with a cross."))
        elif self.raw("repeat") != password:
            self.refuse("repeat", _("The two passwords are not the same. Enter the same password twice."))
        return password


def _clock_time(moment: datetime | None) -> str:
    """`15:35` by the clock of the page, `22.11 15:35` on another day than today."""
    if moment is None:
        return ""
    zone = profile().clock.zone
    here, today = moment.astimezone(zone), now().astimezone(zone).date()
    return here.strftime("%H:%M" if here.date() == today else "%d.%m %H:%M")


def _iin_words() -> Mapping[DigitsProblem, str]:
    return {
        DigitsProblem.NOT_TWELVE_DIGITS: _("An IIN has exactly 12 digits."),
        DigitsProblem.NO_SUCH_DATE: _("There is a slip in the IIN: its first six digits are not a birth date."),
        DigitsProblem.WRONG_CHECK_DIGIT: _("There is a slip in the IIN: the digits do not fit together."),
    }
