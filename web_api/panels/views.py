"""The panel's own API: what it shows, an offer, a code. Each call answers with everything that it shows."""

from __future__ import annotations

from typing import Any

from flask import request

from pushhub.http.contract import ApiBlueprint
from pushhub.kernel import errors
from pushhub.panels import panel_session
from web_api.integrators.schemas import Typed
from web_api.panels import schemas
from web_api.panels.visitor import open_to_pages, valid_panel_secret, visit

face = ApiBlueprint(
    "panel",
    __name__,
    prefix="/panel/v1",
    about="What a panel in a page asks for, with its secret (`phs_…`)",
    guard=valid_panel_secret,
    after=open_to_pages,
    security=[{"panel_secret": []}],
    always=[errors.PanelOver, errors.OriginRefused, errors.TooManyRequests],
)


@face.operation("GET", "/state", answer=schemas.Sight)
def show_state() -> dict[str, Any]:
    """Everything that the panel shows at this moment; cheap to poll every two seconds"""
    return schemas.sight_document(panel_session.look(visit()))


@face.operation("POST", "/offer", answer=schemas.Sight, refuses=[errors.VerificationClosed])
def make_offer() -> dict[str, Any]:
    """Have an offer made, or a new one where the last has ended"""
    return schemas.sight_document(panel_session.look(panel_session.make_offer(visit())))


@face.operation(
    "POST",
    "/send",
    answer=schemas.Sight,
    refuses=[errors.NumberUnreachable, errors.TooManyCodes, errors.VerificationClosed, errors.NotFound],
)
def send() -> dict[str, Any]:
    """Have the code sent; one that is under way for the same purpose is taken"""
    return schemas.sight_document(panel_session.look(panel_session.send(visit(), address=request.remote_addr)))


@face.operation(
    "POST",
    "/resend",
    answer=schemas.Sight,
    refuses=[
        errors.VerificationClosed,
        errors.ResendTooEarly,
        errors.ResendLimitReached,
        errors.TooManyCodes,
        errors.NumberUnreachable,
        errors.NotFound,
    ],
)
def resend() -> dict[str, Any]:
    """Have the same code sent once more"""
    return schemas.sight_document(panel_session.look(panel_session.resend(visit())))


@face.operation(
    "POST",
    "/check",
    body=Typed,
    answer=schemas.CheckedSight,
    refuses=[errors.NotArmed, errors.CodeMalformed, errors.VerificationClosed, errors.NotFound],
)
def check(body: dict[str, Any]) -> dict[str, Any]:
    """Whether this is the code. Each look costs an attempt; the right code counts once"""
    after, valid = panel_session.check(visit(), body["code"])
    return schemas.sight_document(panel_session.look(after)) | {"valid": valid}
