"""What happened, by cursor: for products that ask instead of being told by a webhook, or that were away."""

from __future__ import annotations

from typing import Any

from pushhub.events.cursor import events_after
from pushhub.events.document import event_document
from pushhub.kernel import errors
from pushhub.products.rules import Scope
from web_api.integrators import event_schemas
from web_api.integrators.caller import operations, the_caller

face = operations("events", __name__, "What happened, in one order")


@face.operation(
    "GET",
    "",
    query=event_schemas.EventsQuery,
    answer=event_schemas.EventPage,
    refuses=[errors.CursorMalformed],
)
def list_events(query: dict[str, Any]) -> dict[str, Any]:
    """Your events behind a cursor, oldest first; with a test key those of test keys. `next` is always given"""
    caller = the_caller(Scope.EVENTS)
    page = events_after(caller.product_id, query["after"], query["limit"], live=caller.live)
    return {"items": [event_document(event) for event in page.events], "next": page.next}
