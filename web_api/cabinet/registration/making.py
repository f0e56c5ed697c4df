"""Making the account of a registration, with all that belongs to it, in one transaction: the flow that is done, and the
letter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pushhub.accounts.flows import flows
from pushhub.accounts.flows.flows import Flow, FlowKind
from pushhub.accounts.letters import users
from pushhub.accounts.letters.sender import TooManyLetters
from pushhub.accounts.letters.users import welcome
from pushhub.accounts.people import register
from pushhub.accounts.people.register import IdentifierTaken, NewAccount
from pushhub.cabinets import registration_mapping
from pushhub.cabinets.registration_mapping import RegistrationAnswers
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import now
from pushhub.kernel.errors import Busy
from web_api.cabinet.letters import sender
from web_api.cabinet.request_context import caller, profile, visitor

#: Writes what belongs to the new account, with what its page shows.
Done = Callable[[Session, dict[str, str]], None]


def as_data(answers: RegistrationAnswers) -> dict[str, Any]:
    """Answers as a flow keeps them."""
    return {"fields": dict(answers.fields), "confirmed": dict(answers.confirmed)}


def answers_in(flow: Flow) -> RegistrationAnswers:
    """The answers of a flow."""
    return RegistrationAnswers(flow.answers["fields"], flow.answers["confirmed"])


def taken_kinds(flow: Flow) -> tuple[str, ...]:
    """Of which kinds the identifiers are that somebody has already, where that has to be told."""
    new = _new_account(answers_in(flow), _proven_in(flow))
    found = registration_mapping.taken(flow.product_id, new)
    return () if _can_do_without(new, found) else found


def finish(flow: Flow, password: str) -> None:
    """Make the account of a flow. Raises `IdentifierTaken`."""
    answers = answers_in(flow)
    new = _new_account(answers, _proven_in(flow))

    def done(session: Session, shown: dict[str, str]) -> None:
        if flows.amend_in(session, flow, done=True, **shown) is None:
            raise Busy

    _make(answers, new, password, done)


def make_at_once(answers: RegistrationAnswers, password: str, key: UUID) -> None:
    """Make the account, and with it the flow of this key, which shows what was made. Raises `IdentifierTaken`."""

    def done(session: Session, shown: dict[str, str]) -> None:
        kept = as_data(answers) | {"done": True} | shown
        flows.begin_in(session, caller().product_id, FlowKind.REGISTRATION, visitor(), kept, key=key)

    _make(answers, _new_account(answers, None), password, done)


def _make(answers: RegistrationAnswers, new: NewAccount, password: str, done: Done) -> None:
    writes, email = sender(), answers.email
    login = _login(answers, new) if new.must_change_password else None

    def also(session: Session, account_id: UUID) -> None:
        done(session, {"login": login, "password": password} if login is not None else {})
        if email is not None and login is not None:
            welcome(session, writes, email=email, login=login, password=password)
        elif email is not None and registration_mapping.is_confirmed_first(profile()):
            # It can be asked for again in the profile.
            with suppress(TooManyLetters):
                users.ask_owner(session, writes, account_id=account_id, email=email)

    product_id, rule = caller().product_id, profile().password
    try:
        register.create(product_id, new, password, rule, also=also)
    except IdentifierTaken as refusal:
        if not _can_do_without(new, refusal.kinds):
            raise
        register.create(product_id, registration_mapping.without_email(new), password, rule, also=also)


def _can_do_without(new: NewAccount, taken: tuple[str, ...]) -> bool:
    return taken == ("email",) and len(new.identifiers) > 1


def _new_account(answers: RegistrationAnswers, proven: PhoneNumber | None) -> NewAccount:
    return registration_mapping.account_from(profile(), answers, proven=proven, today=now().date())


def _proven_in(flow: Flow) -> PhoneNumber | None:
    number = flow.answers.get("proven")
    return PhoneNumber.trusted(number) if number is not None else None


def _login(answers: RegistrationAnswers, new: NewAccount) -> str:
    """With what the person signs in, as they type it."""
    kind = new.identifiers[0].kind
    return answers.login or "" if kind == "login" else answers.fields[kind]
