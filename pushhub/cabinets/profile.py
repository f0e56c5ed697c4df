"""A product's profile: all that differs between cabinets. docs/profiles.md explains every key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.sessions.sessions import SessionLife


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """A text of the profile in every language."""

    kk: str
    ru: str
    en: str

    def said(self, locale: str) -> str:
        """The text in this language; in Russian where we have no other."""
        return {"kk": self.kk, "ru": self.ru, "en": self.en}.get(locale, self.ru)


@dataclass(frozen=True, slots=True)
class Look:
    """Logo (an SVG document) and colours, as `#rrggbb`."""

    logo: str
    accent: str
    accent_deep: str
    dark_accent: str
    dark_accent_deep: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The reference time in the header, and the city it is the time of."""

    city: LocalizedText
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class CompanionApp:
    """The app that codes come to. Without links of its own it is got where the settings say."""

    name: str
    android: str | None
    ios: str | None


@dataclass(frozen=True, slots=True)
class Consent:
    """A box that has to be ticked. `document` is shown on a page of its own, which `text` links to: the part
    between square brackets."""

    id: str
    text: LocalizedText
    title: LocalizedText | None
    document: LocalizedText | None


@dataclass(frozen=True, slots=True)
class CodePolicy:
    """How the product's codes are: digits, seconds they live, seconds between two, how often they go out again, and
    the channels they go by; without a route they go as pushes alone."""

    digits: int
    seconds: int
    resend_after_seconds: int
    resends: int
    route: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form: its name, what kind of answer it takes, whether it must be filled, its words."""

    name: str
    kind: str
    required: bool
    label: LocalizedText
    hint: LocalizedText | None
    #: Opens under the field when its answer was wrong.
    help: LocalizedText | None
    #: For a choice: the values and their words.
    choices: tuple[tuple[str, LocalizedText], ...]


class Layout(StrEnum):
    """How people name themselves when they sign in."""

    #: First who one is, with the consents; the password on a second page.
    TWO_STEPS = "two-steps"
    #: A tab for each identifier, with the password on the same page.
    TABS = "tabs"
    #: One field that takes any of the identifiers, with the password on the same page.
    ONE_FIELD = "one-field"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Signing in. `label` and `hint` are the words of the one field; `remember_days` is 0 where the browser is not
    asked to remember anybody; `by_code` lets a code stand for the password."""

    layout: Layout
    lead: LocalizedText | None
    label: LocalizedText | None
    hint: LocalizedText | None
    consents: bool
    remember_days: int
    by_code: bool


class Way(StrEnum):
    """How a forgotten password is replaced: a code to the number on file, or a link to the e-mail address."""

    CODE = "code"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Recovery:
    """One way to a new password. `ask` are the identifiers to be given first, all of the same account; none: the one
    that was given at the sign-in. `together`: code and new password stand on one page."""

    way: Way
    ask: tuple[str, ...]
    lead: LocalizedText | None
    consents: bool
    together: bool
    link_minutes: int


class Person(StrEnum):
    """The authority that confirms the person who registers."""

    NOBODY = "nobody"
    #: The state register, by the IIN; what it knows is shown before anything is saved.
    REGISTER = "register"
    #: The product's own customers, by contract and IIN or BIN.
    CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class Registration:
    """How somebody gets an account. `code`: the number is proven with a code; `mobile_base`: it must stand under the
    IIN in the Mobile Citizens Base too; `generated`: the password is made for them, mailed, and to be changed."""

    lead: LocalizedText | None
    fields: tuple[Field, ...]
    person: Person
    consents: bool
    captcha: bool
    code: bool
    mobile_base: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class Users:
    """Further users of one cabinet, made by its owner; `most` of them."""

    most: int
    lead: LocalizedText | None


@dataclass(frozen=True, slots=True)
class CustomerBase:
    """Where the product's own customers are asked for: a file, or a service with its secret."""

    file: Path | None
    url: str | None
    secret_file: Path | None


@dataclass(frozen=True, slots=True)
class Reregistration:
    """How somebody who has lost the number on file gets the cabinet back: questions that the register answers."""

    lead: LocalizedText
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Where the base of mobile citizens (БМГ) explains itself and is asked."""

    mobile_base_guide: str
    mobile_base_check: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One cabinet."""

    slug: str
    product: str
    name: str
    tagline: LocalizedText
    look: Look
    clock: Clock
    app: CompanionApp
    identifiers: tuple[str, ...]
    #: Of them, those that people set by themselves after signing in.
    own_identifiers: tuple[str, ...]
    sign_in: SignIn
    registration: Registration | None
    recoveries: tuple[Recovery, ...]
    consents: tuple[Consent, ...]
    password: PasswordRule
    code: CodePolicy
    sessions: SessionLife
    users: Users | None
    customers: CustomerBase | None
    #: What the panel at the top of a signed-in person's pages shows: `account`, `contract`, `balance`.
    top: tuple[str, ...]
    #: How support is reached, where people are stuck.
    support: LocalizedText | None
    reregistration: Reregistration | None
    links: Links

    def recovery(self, way: Way) -> Recovery | None:
        """How a password is recovered this way, if it is."""
        return next((each for each in self.recoveries if each.way is way), None)

    @property
    def keeps_numbers(self) -> bool:
        """Whether accounts have a number on file that somebody has proven, and to which codes go."""
        registers_numbers = self.registration is not None and self.registration.code
        by_code = self.recovery(Way.CODE) is not None or self.sign_in.by_code
        return registers_numbers or by_code or self.reregistration is not None

    @property
    def asks_mobile_base(self) -> bool:
        """Whether people need to know of the Mobile Citizens Base (БМГ)."""
        return self.reregistration is not None or (self.registration is not None and self.registration.mobile_base)
