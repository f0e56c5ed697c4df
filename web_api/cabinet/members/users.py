"""«Пользователи»: further users of one cabinet, as whoever may add them sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from flask_babel import gettext as _
from werkzeug.wrappers import Response

from pushhub.accounts.letters.sender import TooManyLetters
from pushhub.accounts.letters.users import GivenPassword
from pushhub.accounts.passwords.rules import readable_password
from pushhub.accounts.people import users
from pushhub.accounts.people.register import IdentifierTaken
from pushhub.accounts.people.users import ChangedMeanwhile, SomebodyElse, TooManyUsers, User, UserDetails, may_manage
from pushhub.cabinets.profile import Users
from pushhub.context import current
from pushhub.kernel.clock import now
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import Prefix, new_key, parse_id, public_id
from web_api.cabinet.forms import Form
from web_api.cabinet.letters import mail_words, refuse_letters, sender
from web_api.cabinet.request_context import go_to, member, page, profile
from web_api.cabinet.routes import members

#: How a user's password comes to be: set here, made at random and mailed, or left as it is.
BY_HAND, MADE, KEPT = "hand", "made", "keep"
_LONGEST = 100
#: The same changes once more within this time are a double click.
_DOUBLE_CLICK = timedelta(seconds=30)


@members.get("/users")
def show_users() -> Response:
    """The users below whoever looks."""
    about = _about()
    below = users.users_below(member().account.id)
    waits = any(not user.confirmed for user in below)
    return page(
        "members/users.html",
        about=about,
        listed=[(public_id(Prefix.ACCOUNT, user.id), user) for user in below],
        mail=mail_words() if waits else None,
        noted=True,
    )


@members.get("/users/new")
def show_new_user() -> Response:
    """An empty form. The user's key is in it, so that what is sent twice is done once."""
    _about()
    mail_words()  # has the mail server looked at while the form is filled in
    return _user_page(Form({"new": public_id(Prefix.ACCOUNT, new_key()), "password_by": BY_HAND}), None)


@members.post("/users/new")
def add_user() -> Response:
    """Add them, and ask them by letter to confirm the address."""
    about, form = _about(), Form.sent()
    user_id = parse_id(Prefix.ACCOUNT, form.text("new"))
    details, password = _details(form), _password(form, BY_HAND, MADE)
    if details is None or password is None or not form.good:
        return _user_page(form, None, 422)
    try:
        with _addresses_refused_in(form):
            _add(user_id, details, password, about.most)
    except TooManyUsers:
        form.refuse(
            "form", _("There can be {count} users, and there are so many. Remove one first.").format(count=about.most)
        )
    if not form.good:
        return _user_page(form, None, 422)
    return go_to("cabinet_members.show_users", note="user-added")


@members.get("/users/<user_id>")
def show_user(user_id: str) -> Response:
    """The form with what is known of the user."""
    user = _user(user_id)
    return _user_page(_filled(user), user)


@members.post("/users/<user_id>")
def change_user(user_id: str) -> Response:
    """Save the changes, or send the letter once more."""
    user, form = _user(user_id), Form.sent()
    if form.text("step") == "letter":
        return _write_again(user)
    details, password = _details(form), _password(form, KEPT, BY_HAND, MADE)
    if details is None or not form.good:
        return _user_page(form, user, 422)
    try:
        if form.text("seen") != _digest(user):
            if _was_just_done(user, details, password):
                return go_to("cabinet_members.show_users", note="user-changed")
            raise ChangedMeanwhile
        with _addresses_refused_in(form):
            users.change_user(member().account, user, details, password, sender())
    except ChangedMeanwhile:
        present = users.find_user(member().account.id, user.id)
        fresh = _filled(present)
        fresh.refuse(
            "form",
            _("Somebody else has changed this user meanwhile. This is what stands now; nothing of yours was saved."),
        )
        return _user_page(fresh, present, 409)
    if not form.good:
        return _user_page(form, user, 422)
    return go_to("cabinet_members.show_users", note="user-changed")


@members.get("/users/<user_id>/remove")
def ask_removal(user_id: str) -> Response:
    """Whether one is sure."""
    return page("members/user-remove.html", user=_user(user_id), user_id=user_id)


@members.post("/users/<user_id>/remove")
def remove_user(user_id: str) -> Response:
    """Remove the user; nobody is signed in as them any more."""
    _about()
    users.remove_user(member().account, parse_id(Prefix.ACCOUNT, user_id))
    return go_to("cabinet_members.show_users", note="user-removed")


def _add(user_id: UUID, details: UserDetails, password: GivenPassword, most: int) -> None:
    actor, by = member().account, sender()
    try:
        users.add_user(actor, user_id, details, password, by, most=most)
    except SomebodyElse:  # back to the form that was sent, and there another person
        users.add_user(actor, new_key(), details, password, by, most=most)


def _about() -> Users:
    """What the profile says of further users. Whoever may have none sees no such page."""
    found = profile().users
    if found is None or not may_manage(member().account):
        raise NotFound
    return found


def _user(user_id: str) -> User:
    _about()
    return users.find_user(member().account.id, parse_id(Prefix.ACCOUNT, user_id))


def _write_again(user: User) -> Response:
    try:
        is_sent = users.write_again(member().account, user.id, sender())
    except TooManyLetters as refusal:
        form = _filled(user)
        refuse_letters(form, refusal)
        return _user_page(form, user, 429)
    note = "letter-sent" if is_sent else "user-is-confirmed"
    return go_to("cabinet_members.show_users", note=note)


def _details(form: Form) -> UserDetails | None:
    """What was typed of the user, with its problems noted."""
    email = form.email("email")
    for name in users.USER_FIELDS:
        if len(form.text(name)) > _LONGEST:
            form.refuse(name, _("At most {count} characters.").format(count=_LONGEST))
    if email is None:
        return None
    texts = {name: form.text(name) for name in users.USER_FIELDS}
    return UserDetails(email, may_add_users=bool(form.text("may_add_users")), **texts)


def _password(form: Form, *ways: str) -> GivenPassword | None:
    """The password by the way that was chosen; None for the present one, or with its problems noted."""
    rule, way = profile().password, form.text("password_by")
    if way not in ways:
        form.refuse("password_by", _("Choose one of these."))
    elif way == MADE:
        return GivenPassword(readable_password(rule), rule, mailed=True)
    elif way == BY_HAND:
        return GivenPassword(form.new_password(rule), rule, mailed=False)
    return None


@contextmanager
def _addresses_refused_in(form: Form) -> Iterator[None]:
    """What stands against the address or a letter to it is noted in the form."""
    try:
        yield
    except IdentifierTaken:
        form.refuse("email", _("This cabinet has a user with this address already."))
    except TooManyLetters as refusal:
        refuse_letters(form, refusal)


def _filled(user: User) -> Form:
    details = user.details
    typed = {name: getattr(details, name) for name in users.USER_FIELDS} | {"email": details.email.address}
    typed |= {"may_add_users": "yes" if details.may_add_users else "", "password_by": KEPT}
    return Form(typed)


def _digest(user: User) -> str:
    """What the form of a user was made from, to notice what others change meanwhile."""
    shown = asdict(user.details) | {"password_set_at": user.password_set_at.isoformat()}
    return current().keyring.lookup_digest("user form", json.dumps(shown))


def _was_just_done(user: User, details: UserDetails, password: GivenPassword | None) -> bool:
    """Whether the form was sent twice, and the first time has done it."""
    return user.details == details and (password is None or user.password_set_at > now() - _DOUBLE_CLICK)


def _user_page(form: Form, user: User | None, status: int = 200) -> Response:
    return page(
        "members/user.html",
        status,
        form=form,
        user=user,
        user_id=public_id(Prefix.ACCOUNT, user.id) if user is not None else None,
        seen=_digest(user) if user is not None else "",
    )
