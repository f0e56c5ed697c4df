"""The form of a registration: what was typed into the fields of the profile, and what a register or the product's
customers say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from flask_babel import format_date
from flask_babel import gettext as _

from pushhub.cabinets.profile import Field, Person, Registration
from pushhub.cabinets.registration_mapping import RegistrationAnswers, citizen_data, customer_data, tells_of_the_person
from pushhub.identity.iin import DigitsProblem, Iin, TaxId, WrongDigits
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import now
from pushhub.kernel.errors import CustomersUnavailable
from pushhub.registry.contract import stands_under
from web_api.cabinet.forms import Form
from web_api.cabinet.guess_limit import counted_guess
from web_api.cabinet.request_context import cabinet, language

#: The longest answer in words.
_LONGEST = 100


def read_fields(form: Form, about: Registration) -> dict[str, str]:
    """What was typed, by name of the field, as each kind is written; problems are noted in the form."""
    answers: dict[str, str] = {}
    for entry in about.fields:
        if not form.text(entry.name) and not entry.required:
            continue
        found = _READERS[entry.kind](form, entry)
        if found is not None:
            answers[entry.name] = found
    if about.code and "number" in answers:
        form.served_number("number")
    return answers


def confirm(form: Form, about: Registration, fields: Mapping[str, str]) -> RegistrationAnswers | None:
    """Ask whoever confirms the person. None where the answers are not right, which is noted in the form, or are not
    looked at any more. Raises `RegistryUnavailable`, `CustomersUnavailable`."""
    if about.person is Person.NOBODY and not about.mobile_base:
        return RegistrationAnswers(fields)
    with counted_guess() as guess:
        if not guess.allowed:
            form.refuse("form", _("There were too many wrong answers. Try again in an hour."))
            return None
        confirmed = (
            _by_customers(form, fields) if about.person is Person.CUSTOMERS else _by_register(form, about, fields)
        )
        guess.wrong = confirmed is None
    return RegistrationAnswers(fields, confirmed) if confirmed is not None else None


def given_words(about: Registration, fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was given, as a page repeats it: label and text, with what is secret masked."""
    masked: Mapping[str, Callable[[str], str]] = {
        "iin": lambda text: Iin(text).masked,
        "tax_id": lambda text: TaxId(text).masked,
        "number": lambda text: PhoneNumber.trusted(text).masked,
    }
    shown = [entry for entry in about.fields if entry.kind in masked and entry.name in fields]
    return [(entry.label.said(language()), masked[entry.kind](fields[entry.name])) for entry in shown]


def person_words(confirmed: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the register knows of the person: label and text."""
    if "born" not in confirmed:
        return []
    labels = {
        "surname": _("Surname"),
        "name": _("First name"),
        "patronymic": _("Patronymic"),
        "sex": _("Sex"),
        "born": _("Date of birth"),
    }
    sexes = {"female": _("Female"), "male": _("Male")}
    texts = dict(confirmed) | {
        "sex": sexes.get(confirmed.get("sex", ""), ""),
        "born": format_date(date.fromisoformat(confirmed["born"]), "long"),
    }
    return [(label, texts[name]) for name, label in labels.items() if texts.get(name)]


def _by_register(form: Form, about: Registration, fields: Mapping[str, str]) -> dict[str, str] | None:
    registry, iin = cabinet().registry, Iin.parse(fields["iin"], now().date())
    citizen = registry.citizen(iin) if about.person is Person.REGISTER else None
    if about.person is Person.REGISTER and citizen is None:
        form.refuse("iin", _("The register knows nobody with this IIN."))
        return None
    if about.mobile_base:
        number = RegistrationAnswers(fields).number
        if number is None or not stands_under(registry, number, iin):
            form.refuse("number", _("This number does not stand under your IIN in the Mobile Citizens Base (BMG)."))
            return None
    return citizen_data(citizen) if citizen is not None and tells_of_the_person(about) else {}


def _by_customers(form: Form, fields: Mapping[str, str]) -> dict[str, str] | None:
    customers = cabinet().customers
    if customers is None:
        raise CustomersUnavailable
    found = customers.find(fields["contract"], TaxId.parse(fields["tax_id"], now().date()))
    if not found.contract_known:
        form.refuse("contract", _("There is no contract with this number."))
    elif found.customer is None:
        form.refuse("tax_id", _("The contract is not of the one with this IIN or BIN."))
    return customer_data(found.customer) if found.customer is not None else None


def _iin(form: Form, entry: Field) -> str | None:
    found = form.iin(entry.name)
    return found.digits if found is not None else None


def _tax_id(form: Form, entry: Field) -> str | None:
    words = {
        DigitsProblem.NOT_TWELVE_DIGITS: _("An IIN or BIN has exactly 12 digits."),
        DigitsProblem.NO_SUCH_DATE: _("There is a slip in the IIN or BIN: its first digits are not a date."),
        DigitsProblem.WRONG_CHECK_DIGIT: _("There is a slip in the IIN or BIN: the digits do not fit together."),
    }
    try:
        return TaxId.parse(form.text(entry.name), now().date()).digits
    except WrongDigits as problem:
        form.refuse(entry.name, words[problem.problem])
        return None


def _number(form: Form, entry: Field) -> str | None:
    found = form.number(entry.name)
    return found.e164 if found is not None else None


def _email(form: Form, entry: Field) -> str | None:
    found = form.email(entry.name)
    return found.address if found is not None else None


def _login(form: Form, entry: Field) -> str | None:
    return form.text(entry.name) if form.identifier("login") is not None else None


def _text(form: Form, entry: Field) -> str | None:
    text = form.text(entry.name)
    if not text:
        form.refuse(entry.name, _("Fill in this field."))
    elif len(text) > _LONGEST:
        form.refuse(entry.name, _("At most {count} characters.").format(count=_LONGEST))
    return text


def _choice(form: Form, entry: Field) -> str | None:
    chosen = form.text(entry.name)
    if chosen not in {value for value, _words in entry.choices}:
        form.refuse(entry.name, _("Choose one of these."))
    return chosen


_READERS: Mapping[str, Callable[[Form, Field], str | None]] = {
    "iin": _iin,
    "tax_id": _tax_id,
    "number": _number,
    "email": _email,
    "login": _login,
    "contract": _text,
    "text": _text,
    "choice": _choice,
}
