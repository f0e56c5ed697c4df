"""An event as products are told of it. `GET /v1/events` and the body of a webhook are the same document."""

from __future__ import annotations

import json

from pushhub.events.models import Event
from pushhub.kernel import clock
from pushhub.kernel.db import JsonObject
from pushhub.kernel.ids import Prefix, public_id

#: What is kept with an event for the operators and told to nobody else: the reason they wrote in their own words.
_FOR_OPERATORS = frozenset({"note"})


def event_document(event: Event) -> JsonObject:
    """`{id, type, timestamp, data}`; `data` names what changed by its public id (`verification_id: "ver_…"`)."""
    kind = event.tag.partition(".")[0]
    told = {name: value for name, value in event.data.items() if name not in _FOR_OPERATORS}
    return {
        "id": public_id(Prefix.EVENT, event.id),
        "type": event.tag,
        "timestamp": clock.rfc3339(event.at),
        "data": {f"{kind}_id": public_id(Prefix[kind.upper()], event.subject_id), **told},
    }


def event_body(event: Event) -> bytes:
    """The document as the bytes that are signed and sent."""
    return json.dumps(event_document(event), ensure_ascii=False, separators=(",", ":")).encode()
