"""Reading a profile. What is wrong is refused with the file, the line, the key, and what the key takes."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.sessions.sessions import SessionLife
from pushhub.cabinets.form_fields import read_consent, read_registration, read_reregistration
from pushhub.cabinets.profile import (
    Clock,
    CodePolicy,
    CompanionApp,
    CustomerBase,
    Layout,
    Links,
    Look,
    Person,
    Profile,
    Recovery,
    SignIn,
    Users,
    Way,
)
from pushhub.cabinets.registration_mapping import can_sign_in
from pushhub.cabinets.toml_reader import Section, lines_of
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.settings import is_loopback
from pushhub.products.route import read_route, way_without_app

OWN_PROFILES = Path(__file__).with_name("profiles")
#: What the engine knows to sign in with, and what it can say of a customer at the top of a page.
IDENTIFIERS = ("iin", "number", "login", "email")
SET_BY_ONESELF = ("login", "email")
TOP = ("account", "contract", "balance")

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")


def read_profile(name: str) -> Profile:
    """The profile of this name (`indigo`) or at this path. Raises `ConfigurationError`."""
    path = Path(name) if "/" in name or name.endswith(".toml") else OWN_PROFILES / f"{name}.toml"
    try:
        text = path.read_text()
        document = tomllib.loads(text)
    except FileNotFoundError:
        own = ", ".join(sorted(file.stem for file in OWN_PROFILES.glob("*.toml") if "-" not in file.stem))
        raise ConfigurationError(f"There is no profile {path}. pushhub comes with: {own}.") from None
    except OSError as problem:
        raise ConfigurationError(f"The profile {path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"The profile {path} is not TOML: {problem}.") from None
    section = Section(path, "", document, lines_of(text))
    profile = _profile(section)
    section.done()
    return profile


def _profile(section: Section) -> Profile:
    app, links = section.part("app"), section.part_or_none("links")
    identifiers = section.some_of("identifiers", IDENTIFIERS)
    own = section.some_of("own_identifiers", SET_BY_ONESELF, none=True)
    if not set(own) <= set(identifiers):
        raise section.refuse("own_identifiers", "takes some of what stands in identifiers")
    customers = section.part_or_none("customers")
    users, registration = section.part_or_none("users"), section.part_or_none("registration")
    reregistration, sign_in = section.part_or_none("reregistration"), _sign_in(section.part("sign_in"))
    profile = Profile(
        slug=section.text("slug", _NAME, "takes small letters, digits and -: it stands in addresses"),
        product=section.text("product"),
        name=section.text("name"),
        tagline=section.words("tagline"),
        look=_look(section.part("look")),
        clock=_clock(section.part("clock")),
        app=CompanionApp(app.text("name"), app.link("android"), app.link("ios")),
        identifiers=identifiers,
        own_identifiers=own,
        sign_in=sign_in,
        registration=read_registration(registration) if registration is not None else None,
        recoveries=tuple(_recovery(entry, identifiers) for entry in section.parts("recovery")),
        consents=tuple(read_consent(entry) for entry in section.parts("consents")),
        password=_password(section.part("password")),
        code=_code(section.part("code")),
        sessions=_sessions(section.part("sessions"), sign_in.remember_days),
        users=Users(users.whole("most", 1, 1000), users.words_or_none("lead")) if users is not None else None,
        customers=_customers(customers) if customers is not None else None,
        top=section.some_of("top", TOP, none=True),
        support=section.words_or_none("support"),
        reregistration=read_reregistration(reregistration) if reregistration is not None else None,
        links=Links(
            (links.link("mobile_base_guide") or "") if links is not None else "",
            (links.link("mobile_base_check") or "") if links is not None else "",
        ),
    )
    _refuse_contradictions(section, profile)
    _refuse_odd_consents(section, profile)
    return profile


def _refuse_contradictions(section: Section, profile: Profile) -> None:
    """What is right by itself and does not fit together."""
    ways = [each.way for each in profile.recoveries]
    if len(set(ways)) < len(ways):
        raise section.refuse("recovery", "takes each way once")
    if profile.sign_in.layout is Layout.TWO_STEPS and profile.identifiers != ("iin",):
        raise section.refuse("identifiers", 'takes ["iin"] and nothing else with sign_in.layout "two-steps"')
    in_one_step = profile.sign_in.layout is not Layout.TWO_STEPS
    if in_one_step and any(each.way is Way.CODE and not each.ask for each in profile.recoveries):
        raise section.refuse(
            "recovery", 'takes what to ask for, such as ask = ["number"]: only after two steps is it known'
        )
    without_app = way_without_app(read_route(profile.code.route)) if profile.code.route else None
    if profile.sign_in.by_code and without_app is not None:
        # Whose app could be bound by anybody gets no code, and a stranger's code would go on to SMS: that would tell.
        raise section.refuse("sign_in", f'takes no by_code = true with "{without_app}" in code.route')
    if profile.users is not None and "email" not in profile.identifiers:
        raise section.refuse("users", 'needs "email" in identifiers: that is what further users sign in with')
    needs_base = bool(profile.top) or (profile.registration and profile.registration.person is Person.CUSTOMERS)
    if needs_base and profile.customers is None:
        raise section.refuse("customers", "is missing: it says where customers and balances are asked for")
    if profile.registration is not None and profile.registration.generated and "email" not in profile.identifiers:
        raise section.refuse("registration.password", 'can be "generated" only with "email" in identifiers')
    if profile.registration is not None and not can_sign_in(profile, profile.registration):
        signs_in_with = " or ".join(profile.identifiers)
        raise section.refuse(
            "registration.fields",
            f"must ask for {signs_in_with}, or nobody who registers could sign in; a number counts with code = true",
        )


def _refuse_odd_consents(section: Section, profile: Profile) -> None:
    ids = [each.id for each in profile.consents]
    if len(set(ids)) < len(ids):
        raise section.refuse("consents", "takes each id once: a box that is ticked would count for another, too")
    asking = (profile.sign_in, *profile.recoveries, *((profile.registration,) if profile.registration else ()))
    if not ids and any(each.consents for each in asking):
        raise section.refuse("consents", "is missing: consents = true asks for those that stand there")


def _sign_in(section: Section) -> SignIn:
    layout = Layout(section.one_of("layout", tuple(Layout)))
    one_field = layout is Layout.ONE_FIELD
    return SignIn(
        layout=layout,
        lead=section.words_or_none("lead"),
        label=section.words("label") if one_field else None,
        hint=section.words_or_none("hint") if one_field else None,
        consents=section.flag("consents", default=False),
        remember_days=section.whole("remember_days", 0, 90, default=0),
        by_code=section.flag("by_code", default=False),
    )


def _recovery(section: Section, identifiers: tuple[str, ...]) -> Recovery:
    way = Way(section.one_of("by", tuple(Way)))
    if way is Way.EMAIL and "email" not in identifiers:
        raise section.refuse("by", 'can be "email" only with "email" in identifiers')
    by_email = tuple(kind for kind in ("email", "login") if kind in identifiers)
    askable = by_email if way is Way.EMAIL else tuple({"number": None} | dict.fromkeys(identifiers))
    ask = section.some_of("ask", askable, none=way is Way.CODE)
    if way is Way.EMAIL and "email" not in ask:
        raise section.refuse("ask", 'must hold "email" with by = "email": that is where the letter goes')
    if ask and not set(ask) & set(identifiers):
        raise section.refuse("ask", f"takes at least one of the identifiers: {', '.join(identifiers)}")
    return Recovery(
        way=way,
        ask=ask,
        lead=section.words_or_none("lead"),
        consents=section.flag("consents", default=False),
        together=section.flag("together", default=False),
        link_minutes=section.whole("link_minutes", 5, 120, default=30),
    )


def _password(section: Section) -> PasswordRule:
    min_length, max_length = section.whole("min_length", 8, 64), section.whole("max_length", 16, 256)
    if max_length < min_length:
        raise section.refuse("max_length", f"can't be below min_length, which is {min_length}")
    return PasswordRule(
        min_length=min_length,
        max_length=max_length,
        lower=section.flag("lower", default=False),
        upper=section.flag("upper", default=False),
        digit=section.flag("digit", default=False),
        special=section.text("special") if section.flag("needs_special", default=False) else "",
        remembered=section.whole("remembered", 0, 12, default=0),
    )


def _code(section: Section) -> CodePolicy:
    route = section.texts("route")
    if route:
        try:
            read_route(route)
        except ConfigurationError as problem:
            raise section.refuse("route", f"can't be used: {problem}") from None
    return CodePolicy(
        digits=section.whole("digits", 4, 8),
        seconds=section.whole("seconds", 60, 600),
        resend_after_seconds=section.whole("resend_after_seconds", 30, 300),
        resends=section.whole("resends", 0, 5),
        route=route,
    )


def _sessions(section: Section, remember_days: int) -> SessionLife:
    return SessionLife(
        idle=timedelta(minutes=section.whole("idle_minutes", 1, 24 * 60)),
        absolute=timedelta(hours=section.whole("absolute_hours", 1, 30 * 24)),
        remembered=timedelta(days=remember_days),
    )


def _customers(section: Section) -> CustomerBase:
    file, url, secret = (section.text_or_none(key) for key in ("file", "url", "secret_file"))
    if (file is None) == (url is None):
        raise section.refuse("file", "or url: takes one of the two")
    if url is not None and not _is_safe(url):
        raise section.refuse("url", "takes an https:// address, or an http:// address of this machine")
    return CustomerBase(
        section.folder / file if file is not None else None,
        url.rstrip("/") if url is not None else None,
        section.folder / secret if secret is not None else None,
    )


def _is_safe(url: str) -> bool:
    """Whether what goes to this address is read by nobody on the way."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    except ValueError:
        return False


def _clock(section: Section) -> Clock:
    name = section.text("zone")
    try:
        zone = ZoneInfo(name)
    except (ValueError, KeyError):
        raise section.refuse("zone", "takes a time zone such as Asia/Almaty") from None
    return Clock(section.words("city"), zone)


def _look(section: Section) -> Look:
    logo = section.folder / section.text("logo")
    try:
        drawing = logo.read_text()
    except (OSError, UnicodeDecodeError):
        raise section.refuse("logo", f"takes an SVG file beside the profile; {logo} can't be read") from None
    colours = {
        key: section.text(key, _COLOUR, "takes a colour such as #0b6b63")
        for key in ("accent", "accent_deep", "dark_accent", "dark_accent_deep")
    }
    return Look(drawing, **colours)
