"""«Лента событий»: the QR code and the password that bind a device, and what happened."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import request
from werkzeug.wrappers import Response

from pushhub.accounts.flows import number_proof
from pushhub.accounts.flows.number_proof import ProofSubject
from pushhub.accounts.people.feed import binding_of, feed_of
from pushhub.accounts.sessions import sessions
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.binding.offers import ShownOffer
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import rfc3339
from pushhub.products.rules import Assurance
from web_api.cabinet.members.event_words import event_details, event_words
from web_api.cabinet.request_context import caller, language, member, page
from web_api.cabinet.routes import members


@members.get("/feed")
def show_feed() -> Response:
    """«Лента событий»: QR code and one-time password, the device of the number, what happened."""
    person = member()
    number = person.account.number
    binding = binding_of(number) if number is not None else None
    items = feed_of(person.account, _before())
    return page(
        "members/feed.html",
        number=number.masked if number is not None else None,
        binding=binding,
        offer=_offer(number) if number is not None and (binding is None or request.args.get("bind")) else None,
        items=[(item, event_words(item.kind, item.data), event_details(item.kind, item.data)) for item in items],
        older=rfc3339(items[-1].at) if len(items) == 50 else None,
        noted=True,
    )


def _offer(number: PhoneNumber) -> ShownOffer:
    """The offer that this session shows; a used one is followed by a new one when another device is to be bound."""
    person = member()
    subject = ProofSubject(
        Identifier("account", str(person.account.id), ""), number, True, "sign_in", Assurance.SIGNED_IN
    )
    shown = number_proof.offer(caller(), subject, person.session.offer_id, locale=language(), again_if_used=True)
    if shown.offer.id != person.session.offer_id:
        sessions.show_offer_in(person.session.id, shown.offer.id)
    return shown


def _before() -> datetime | None:
    try:
        moment = datetime.fromisoformat(request.args.get("before", ""))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):  # at the ends of the calendar there is no such time in UTC
        return None
