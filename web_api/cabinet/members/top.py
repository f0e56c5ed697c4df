"""The panel at the top of a signed-in person's pages: account, contract and balance, as the product supplies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_babel import format_currency

from pushhub.accounts.people.users import may_manage, root_of
from pushhub.accounts.profile_data import profile_data_of
from pushhub.customers.contract import Standing
from pushhub.customers.remembered import RememberedStandings
from pushhub.kernel.errors import CustomersUnavailable
from web_api.cabinet.request_context import cabinet, profile, signed_in
from web_api.cabinet.routes import members

_EXTENSION = "pushhub.standings"


@dataclass(frozen=True, slots=True)
class TopPanel:
    """What it shows. `balance` is written as the reader writes sums; None where it is not known at this moment."""

    account: str
    contract: str
    balance: str | None


@members.context_processor
def _about_member() -> dict[str, Any]:
    """What every page of a signed-in person needs."""
    return {"top_panel": top_panel, "has_users": has_users}


def has_users() -> bool:
    """Whether the person sees «Пользователи»."""
    found = signed_in()
    return profile().users is not None and found is not None and may_manage(found.account)


def top_panel() -> TopPanel | None:
    """The panel, if the profile has one. Further users see that of whoever registered the cabinet."""
    found = signed_in()
    if found is None or not profile().top:
        return None
    known = profile_data_of(root_of(found.account))
    account, contract = known.get("account", ""), known.get("contract", "")
    try:
        standing = _standings().standing(account) if account else None
    except CustomersUnavailable:
        standing = None
    if standing is None:
        return TopPanel(account, contract, None)
    return TopPanel(standing.account, standing.contract, _written(standing))


def _written(standing: Standing) -> str | None:
    """`1 425,00 ₸`: the sign of the tenge in every language, as everybody in the country writes it."""
    if standing.balance is None:
        return None
    return str(format_currency(standing.balance, standing.currency)).replace("KZT", "₸")


def _standings() -> RememberedStandings:
    """One memory for each cabinet of this process."""
    customers = cabinet().customers
    if customers is None:
        raise CustomersUnavailable
    kept: dict[str, RememberedStandings] = current_app.extensions.setdefault(_EXTENSION, {})
    return kept.setdefault(profile().slug, RememberedStandings(customers))
