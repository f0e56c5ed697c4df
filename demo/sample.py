"""The prepared people of a local installation: somebody with an account in each cabinet, and a family in the register.

They are made up; the passwords are no secret, and an installation that serves real people has none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pushhub.accounts.people.register import register
from pushhub.accounts.sign_in_identifiers import Identifier, find_account, may_be
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import prepare_product
from pushhub.context import current
from pushhub.identity.email import Email
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import clock
from pushhub.kernel.errors import NotFound
from pushhub.products.products import find_product

REGISTER = Path(__file__).with_name("sample.toml")
PROFILE = "indigo"


@dataclass(frozen=True, slots=True)
class SampleFamily:
    """What a newcomer types into the cabinet of the kindergarten."""

    name: str = "Айгерим"
    iin: str = "910412400016"
    password: str = "Balapan#2026"  # noqa: S105 - it is shown on the start page
    number: str = "+77057546868"
    #: Stands under her IIN in the Mobile Citizens Base too: the one to re-register to.
    new_number: str = "+77759876543"
    child: str = "210915600037"
    certificate: str = "0012345678"
    other_parent: str = "890723300024"


FAMILY = SampleFamily()


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """An account that is there from the start. `identifiers` are (kind, text) in the order of the profile."""

    profile: str
    identifiers: tuple[tuple[str, str], ...]
    number: str | None
    password: str
    profile_data: Mapping[str, str] = field(default_factory=dict)

    def text(self, kind: str) -> str | None:
        """The text that this person signs in with, by kind."""
        return dict(self.identifiers).get(kind)


ACCOUNTS = (
    SampleAccount(PROFILE, (("iin", FAMILY.iin),), FAMILY.number, FAMILY.password),
    SampleAccount(
        "balabaqsha",
        (
            ("iin", FAMILY.other_parent),
            ("number", "+77011234567"),
            ("login", "erlan"),
            ("email", "erlan@example.kz"),
        ),
        "+77011234567",
        "kunshuaq2026",
    ),
    SampleAccount(
        "portal", (("email", "aigerim@example.kz"), ("number", FAMILY.number)), FAMILY.number, "Kitap#2026kz"
    ),
    SampleAccount(
        "kaztranscom",
        (("login", "4445"), ("email", "office@example.kz")),
        "+77272377777",
        "Qalam2026kz",
        {"account": "4445", "contract": "4445/10", "company": "ТОО «Алтын Дән»"},
    ),
)
PROFILES = tuple(account.profile for account in ACCOUNTS)


def sample_accounts() -> tuple[SampleAccount, ...]:
    """Those of this installation: the ones whose cabinets it serves and that have been prepared."""
    return tuple(each for each in ACCOUNTS if each.profile in current().settings.cabinets and _is_there(each))


def prepare_samples(profiles: tuple[str, ...]) -> None:
    """Make the products and the accounts of these cabinets, where they are not there yet."""
    for account in ACCOUNTS:
        if account.profile not in profiles:
            continue
        profile = read_profile(account.profile)
        product = prepare_product(profile)
        if not _is_there(account):
            first, *further = (_identifier(kind, text) for kind, text in account.identifiers)
            email = account.text("email")
            register(
                product.id,
                first,
                PhoneNumber.parse(account.number) if account.number is not None else None,
                account.password,
                further=tuple(further),
                email=Email.parse(email) if email is not None else None,
                profile_data=account.profile_data,
                rule=profile.password,
            )


def _is_there(account: SampleAccount) -> bool:
    try:
        product = find_product(read_profile(account.profile).product)
    except NotFound:
        return False
    return find_account(product.id, _identifier(*account.identifiers[0])) is not None


def _identifier(kind: str, text: str) -> Identifier:
    return may_be(text, (kind,), clock.now().date())[0]
