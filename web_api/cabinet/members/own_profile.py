"""«Мой профиль»: who one is, a new password, and what one signs in with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial

from flask import request
from flask_babel import format_date
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.letters.sender import TooManyLetters
from pushhub.accounts.models import Account
from pushhub.accounts.passwords.history import PasswordTooLike
from pushhub.accounts.passwords.rules import normal
from pushhub.accounts.people import own_login_and_email
from pushhub.accounts.people.password_change import change_password, was_just_set
from pushhub.accounts.people.register import IdentifierTaken
from pushhub.accounts.profile_data import email_of, profile_data_of
from pushhub.accounts.sessions.sign_in import check_present
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from pushhub.identity.iin import masked
from pushhub.identity.login import NotALogin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import NotFound
from web_api.cabinet.forms import Form
from web_api.cabinet.letters import mail_words, refuse_letters, sender
from web_api.cabinet.members.sessions import leave
from web_api.cabinet.request_context import go_to, language, member, page, profile
from web_api.cabinet.routes import members
from web_api.cabinet.words import identifier_words, same_password, too_like

#: The field of the present password, which is asked for before something that matters.
_PRESENT = "present"
#: Particulars of which people see only a part, as everywhere.
_MASKED = ("iin", "tax_id")


@members.get("/profile")
def show_profile() -> Response:
    """The page with one's own data, and what one signs in with."""
    account = member().account
    kinds, names = own_login_and_email.identifiers_of(account.id), identifier_words()
    return page(
        "members/profile.html",
        facts=list(_facts(account)),
        kinds=[(kind, names[kind], kinds.get(kind)) for kind in profile().identifiers],
        changed_at=account.password_changed_at,
        mail=mail_words() if request.args.get("note") == "email-asked" else None,
        noted=True,
    )


@members.get("/profile/password")
def show_password() -> Response:
    """A new password: the present one, and the new one twice."""
    return _password_page(Form())


@members.post("/profile/password")
def take_new_password() -> Response:
    """Change it. Every other session ends; this one stays."""
    form, rule, person = Form.sent(), profile().password, member()
    password = form.new_password(rule)
    if form.good and normal(form.raw(_PRESENT)) == normal(password):
        form.refuse("password", same_password())
    if not form.good:
        return _password_page(form, 422)
    if was_just_set(person.account.id, password):  # a double click: the present password is this one already
        return go_to("cabinet_members.show_profile", note="password-changed")
    refused = _refusal_of_present(form, _password_page)
    if refused is not None:
        return refused
    try:
        change_password(person.account.id, password, rule, but=person.session.id, sender=sender())
    except PasswordTooLike as problem:
        form.refuse("password", too_like(rule, problem))
        return _password_page(form, 422)
    was_given = person.account.must_change_password
    where = "cabinet_members.show_feed" if was_given else "cabinet_members.show_profile"
    return go_to(where, note="password-changed")


@members.get("/profile/<any(login, email):kind>")
def show_own_identifier(kind: str) -> Response:
    """A login or an e-mail address of one's own choice."""
    if kind == "email":
        mail_words()  # has the mail server looked at while the form is filled in
    return _identifier_page(kind, Form())


@members.post("/profile/<any(login, email):kind>")
def take_own_identifier(kind: str) -> Response:
    """Set the login, or send a letter to the address: it counts when the link in it was used."""
    _refuse_kind(kind)
    form = Form.sent()
    email = form.email("email") if kind == "email" else None
    if kind == "login":
        form.identifier("login")
    if not form.good:
        return _identifier_page(kind, form, 422)
    refused = _refusal_of_present(form, partial(_identifier_page, kind))
    if refused is not None:
        return refused
    account = member().account
    try:
        if email is not None:
            own_login_and_email.ask_email(account, email, sender())
        else:
            own_login_and_email.set_login(account, form.text("login"))
    except IdentifierTaken:
        form.refuse("login", _("Somebody else has this login. Think of another one."))
    except NotALogin:
        form.refuse("login", _("A login has at least one letter, so that it can't be taken for a number."))
    except TooManyLetters as refusal:
        refuse_letters(form, refusal)
        return _identifier_page(kind, form, 429)
    if not form.good:
        return _identifier_page(kind, form, 422)
    note = "email-asked" if kind == "email" else "login-set"
    return go_to("cabinet_members.show_profile", note=note)


def _refusal_of_present(form: Form, shown: Callable[[Form, int, datetime | None], Response]) -> Response | None:
    """None where the present password in the form is right. Else its page is shown again, with what is wrong and until
    when to wait; after ten wrong ones the session is over."""
    if not form.raw(_PRESENT):
        form.refuse(_PRESENT, _("Enter your present password."))
        return shown(form, 422, None)
    found = check_present(member().account, form.raw(_PRESENT))
    if found is None:
        return None
    if isinstance(found, CodeWanted):
        return leave("too-many-wrong")
    if isinstance(found, Wait):
        form.refuse(_PRESENT, _("Too many wrong passwords. This one was not looked at."))
        return shown(form, 429, found.until)
    form.refuse(_PRESENT, _("This is not your present password."))
    return shown(form, 422, found.wait_until)


def _password_page(form: Form, status: int = 200, wait_until: datetime | None = None) -> Response:
    return page(
        "members/profile-password.html",
        status,
        form=form,
        given=member().account.must_change_password,
        wait_until=wait_until,
    )


def _identifier_page(kind: str, form: Form, status: int = 200, wait_until: datetime | None = None) -> Response:
    _refuse_kind(kind)
    return page(
        "members/profile-identifier.html",
        status,
        form=form,
        kind=kind,
        present=own_login_and_email.identifiers_of(member().account.id).get(kind),
        wait_until=wait_until,
    )


def _refuse_kind(kind: str) -> None:
    if kind not in profile().own_identifiers:
        raise NotFound


def _facts(account: Account) -> Iterator[tuple[str, str]]:
    """What is known of the person, each with its name. The labels of the registration's fields are the profile's."""
    registration = profile().registration
    fields = {entry.name: entry for entry in registration.fields} if registration and account.parent_id is None else {}
    for name, value in profile_data_of(account).items():
        entry = fields.get(name)
        choices = dict(entry.choices) if entry is not None else {}
        text = choices[value].said(language()) if value in choices else _shown(name, value)
        yield entry.label.said(language()).rstrip(" *") if entry is not None else _particular_words(name), text
    if account.number is not None:
        yield _("Number of the cabinet"), account.number.masked
    email = email_of(account)
    if email is not None:
        yield _("E-mail"), email.masked


def _shown(name: str, value: str) -> str:
    """Of numbers people see a part, as everywhere."""
    if name in _MASKED:
        return masked(value)
    if name == "number":
        return PhoneNumber.trusted(value).masked
    if name == "born":
        return str(format_date(date.fromisoformat(value), "long"))
    return _sex_words(value) if name == "sex" else value


def _particular_words(name: str) -> str:
    """What a particular is called, where the profile has no label for it."""
    words: dict[str, str] = {
        "surname": _("Surname"),
        "name": _("First name"),
        "patronymic": _("Patronymic"),
        "sex": _("Sex"),
        "born": _("Birth date"),
        "position": _("Position"),
        "company": _("Company"),
        "account": _("Account number"),
        "contract": _("Contract number"),
        "tax_id": _("IIN / BIN"),
        "iin": _("IIN"),
        "number": _("Phone number"),
    }
    return words.get(name, name)


def _sex_words(value: str) -> str:
    """`female` and `male` as the register says it."""
    words: dict[str, str] = {"female": _("female"), "male": _("male")}
    return words.get(value, value)
