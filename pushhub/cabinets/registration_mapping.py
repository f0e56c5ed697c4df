"""What becomes of a registration: the account that somebody's answers make.

answers of the form ─┬─ with what one signs in: identifiers of the profile
what a register says ┤  the number, once a code has proven it: codes go to it from now on
what a customer has ─┴─ everything else: profile data
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from pushhub.accounts.people.register import NewAccount
from pushhub.accounts.sign_in_identifiers import Identifier, account_of, by_email, by_iin, by_login, by_number
from pushhub.cabinets.profile import Person, Profile, Registration
from pushhub.customers.contract import Customer
from pushhub.identity.email import Email
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import reading
from pushhub.registry.contract import Citizen


@dataclass(frozen=True, slots=True)
class RegistrationAnswers:
    """What somebody who registers has answered, by name of the field, each as its kind is written: an IIN without
    spaces, a number as E.164. `confirmed` is what a register or the product's customers say of the person."""

    fields: Mapping[str, str] = field(repr=False)
    confirmed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> PhoneNumber | None:
        """The number that was given."""
        return PhoneNumber.trusted(self.fields["number"]) if "number" in self.fields else None

    @property
    def email(self) -> Email | None:
        """The e-mail address that was given."""
        return Email(self.fields["email"]) if "email" in self.fields else None

    @property
    def login(self) -> str | None:
        """The login: a customer's is the account number."""
        return self.confirmed.get("account") or self.fields.get("login")


def citizen_data(citizen: Citizen) -> dict[str, str]:
    """What is kept of what the register says of a person."""
    found = {
        "surname": citizen.surname,
        "name": citizen.name,
        "patronymic": citizen.patronymic,
        "sex": citizen.sex,
        "born": citizen.born.isoformat(),
    }
    return {name: text for name, text in found.items() if text}


def customer_data(customer: Customer) -> dict[str, str]:
    """What is kept of what the product says of a customer."""
    return {"account": customer.account, "contract": customer.contract}


def tells_of_the_person(registration: Registration) -> bool:
    """Whether what the register knows may be shown to whoever registers. An IIN is no secret: only somebody who has
    the number that stands under it has shown that it is theirs."""
    return registration.code and registration.mobile_base


def can_sign_in(profile: Profile, registration: Registration) -> bool:
    """Whether everybody who registers has something to sign in with."""
    asked = {entry.kind for entry in registration.fields if entry.required}
    return bool(_others(profile, registration)) or ("email" in profile.identifiers and "email" in asked)


def signs_in_with_email(profile: Profile) -> bool:
    """Whether an address that was given at the registration is signed in with at once: where the password goes to it,
    or where there is nothing else. Otherwise it is confirmed first."""
    registration = profile.registration
    if registration is None or "email" not in profile.identifiers:
        return False
    return registration.generated or not _others(profile, registration)


def is_confirmed_first(profile: Profile) -> bool:
    """Whether an address that was given waits for the link in a letter before one signs in with it."""
    return "email" in profile.identifiers and not signs_in_with_email(profile)


def account_from(
    profile: Profile, answers: RegistrationAnswers, *, proven: PhoneNumber | None, today: date
) -> NewAccount:
    """The account to be made. `proven` is the number that a code has come to; without one no number is on file, as
    codes and offers of it are shown to who is signed in."""
    email = answers.email
    waits = is_confirmed_first(profile)
    identifiers = tuple(_identifiers(profile, answers, proven, today))
    used = {each.kind for each in identifiers} | ({"number"} if proven is not None else set())
    kept = {name: text for name, text in answers.fields.items() if name not in used and name != "email"}
    return NewAccount(
        identifiers,
        number=proven,
        email=email if not waits else None,
        profile_data={**kept, **answers.confirmed},
        must_change_password=profile.registration is not None and profile.registration.generated,
    )


def without_email(new: NewAccount) -> NewAccount:
    """The same account, not signed in to with the address: somebody else is already. To say so would tell who has an
    account."""
    return replace(new, identifiers=tuple(each for each in new.identifiers if each.kind != "email"))


def taken(product_id: UUID, new: NewAccount) -> tuple[str, ...]:
    """Of which kinds the identifiers are that somebody has already."""
    with reading() as session:
        return tuple(each.kind for each in new.identifiers if account_of(session, product_id, each) is not None)


def _others(profile: Profile, registration: Registration) -> list[str]:
    """What else than an address everybody who registers signs in with."""
    asked = {entry.kind for entry in registration.fields if entry.required}
    if not registration.code:
        asked.discard("number")
    if registration.person is Person.CUSTOMERS:
        asked.add("login")
    return [kind for kind in profile.identifiers if kind in asked and kind != "email"]


def _identifiers(
    profile: Profile, answers: RegistrationAnswers, proven: PhoneNumber | None, today: date
) -> Iterator[Identifier]:
    iin, email, login = answers.fields.get("iin"), answers.email, answers.login
    for kind in profile.identifiers:
        if kind == "iin" and iin is not None:
            yield by_iin(Iin.parse(iin, today))
        elif kind == "number" and proven is not None:
            yield by_number(proven)
        elif kind == "login" and login is not None:
            yield by_login(login)
        elif kind == "email" and email is not None and signs_in_with_email(profile):
            yield by_email(email)
