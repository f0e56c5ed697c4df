"""The forms of a profile: consents, the fields of registration, the questions of re-registration."""

from __future__ import annotations

import re

from pushhub.cabinets.profile import Consent, Field, Person, Registration, Reregistration
from pushhub.cabinets.toml_reader import Section
from pushhub.translations.message_texts import LOCALES

#: The kinds of answers that the engine knows. `tax_id` is an IIN or a BIN; `contract` is looked up among the customers.
FIELD_KINDS = ("iin", "tax_id", "number", "email", "login", "contract", "text", "choice")
#: The answers that the state register can confirm.
REGISTER_FIELDS = ("child", "certificate", "first_parent", "second_parent", "place")
#: Fields of these kinds are named like their kind, and there is at most one of each.
_NAMED_BY_KIND = ("iin", "tax_id", "number", "email", "login", "contract")
#: Names that something else on the page or of an account has.
_TAKEN = ("account", "attempt", "captcha", "code", "form", "password", "repeat", "sent_by", "step")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,29}")


def read_consent(section: Section) -> Consent:
    """A box to be ticked."""
    consent = Consent(
        section.text("id", _NAME, "takes small letters"),
        section.words("text"),
        section.words_or_none("title"),
        section.words_or_none("document"),
    )
    for locale in LOCALES:
        if bool(consent.document) != bool(re.search(r"\[[^\]]+\]", consent.text.said(locale))):
            raise section.refuse(
                "text", "marks with [brackets] what leads to the document, if and only if there is one"
            )
    return consent


def read_reregistration(section: Section) -> Reregistration:
    """The questions for who has lost the number on file."""
    fields = tuple(_field(entry) for entry in section.parts("fields"))
    if {entry.name for entry in fields} != set(REGISTER_FIELDS):
        raise section.refuse("fields", f"are these, each once: {', '.join(REGISTER_FIELDS)}")
    return Reregistration(section.words("lead"), fields)


def read_registration(section: Section) -> Registration:
    """How somebody gets an account."""
    found = Registration(
        lead=section.words_or_none("lead"),
        fields=tuple(_field(entry) for entry in section.parts("fields")),
        person=Person(section.one_of("person", tuple(Person), default=Person.NOBODY)),
        consents=section.flag("consents", default=False),
        captcha=section.flag("captcha", default=False),
        code=section.flag("code", default=False),
        mobile_base=section.flag("mobile_base", default=False),
        generated=section.one_of("password", ("chosen", "generated"), default="chosen") == "generated",
    )
    names = [entry.name for entry in found.fields]
    required = {entry.name for entry in found.fields if entry.required}
    if not names or len(set(names)) < len(names):
        raise section.refuse("fields", "takes at least one field, each with a name of its own")
    for entry in found.fields:
        if entry.name in _TAKEN or entry.name.startswith("consent-"):
            raise section.refuse("fields", f"can't have a field {entry.name!r}: the page has one; give it another name")
        if entry.kind in _NAMED_BY_KIND and entry.name != entry.kind:
            raise section.refuse("fields", f"calls the field of kind {entry.kind} {entry.kind!r}, not {entry.name!r}")
        if entry.kind not in _NAMED_BY_KIND and entry.name in _NAMED_BY_KIND:
            raise section.refuse("fields", f"gives the field {entry.name!r} the kind {entry.name!r}")
    for wanted, because in (
        ({"iin"}, found.person is Person.REGISTER and 'person = "register"'),
        ({"contract", "tax_id"}, found.person is Person.CUSTOMERS and 'person = "customers"'),
        ({"number"}, found.code and "code = true"),
        ({"number", "iin"}, found.mobile_base and "mobile_base = true"),
        ({"email"}, found.generated and 'password = "generated"'),
    ):
        if because and not wanted <= required:
            raise section.refuse("fields", f"must ask for {' and '.join(sorted(wanted))}, because of {because}")
    return found


def _field(section: Section) -> Field:
    kind = section.one_of("kind", FIELD_KINDS)
    choices = tuple((entry.text("value"), entry.words("label")) for entry in section.parts("choices"))
    if bool(choices) != (kind == "choice"):
        raise section.refuse("choices", 'belong to a field of kind "choice", and it to them')
    return Field(
        section.text("name", _NAME, "takes small letters, digits, - and _"),
        kind,
        section.flag("required", default=True),
        section.words("label"),
        section.words_or_none("hint"),
        section.words_or_none("help"),
        choices,
    )
