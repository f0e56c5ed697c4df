"""Who a person says they are: the field or the tabs of the first page, as the profile has them."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from pushhub.accounts.sign_in_identifiers import Identifier, find_account, may_be
from pushhub.cabinets.profile import Layout
from pushhub.kernel.clock import now
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import caller, profile


def chosen_kind() -> str:
    """Which of the identifiers the page asks for: the tab that was chosen, or the first one."""
    kinds = profile().identifiers
    chosen = request.values.get("by", "")
    return chosen if chosen in kinds else kinds[0]


def identifiers_in(form: Form) -> tuple[Identifier, ...]:
    """What the person may have named themselves with, the likeliest first; empty with the problem noted."""
    if profile().sign_in.layout is not Layout.ONE_FIELD:
        found = form.identifier(chosen_kind())
        return (found,) if found is not None else ()
    candidates = may_be(form.text("name"), profile().identifiers, now().date())
    if not candidates:
        form.refuse("name", _("Enter what you sign in with."))
    return candidates


def the_known(candidates: tuple[Identifier, ...]) -> Identifier:
    """Of several things that a text may be, the one that somebody signs in with; else the likeliest."""
    known = [each for each in candidates if find_account(caller().product_id, each) is not None]
    return (known or list(candidates))[0]
