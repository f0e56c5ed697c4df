"""The browsers in which a person is signed in, and signing out."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from pushhub.accounts.sessions import sessions
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import Prefix, parse_id, public_id
from web_api.cabinet.request_context import forget_session, go_to, member, page
from web_api.cabinet.routes import members


@members.get("/sessions")
def show_sessions() -> Response:
    """The browsers that are signed in."""
    person = member()
    listed = [(public_id(Prefix.SESSION, each.id), each) for each in sessions.all_of(person.account.id)]
    return page("members/sessions.html", listed=listed, current=person.session.id, noted=True)


@members.post("/sessions")
def end_sessions() -> Response:
    """End one session, or all but this one."""
    person, chosen = member(), request.form.get("session", "")
    if chosen == "others":
        sessions.end_others(person.account.id, but=person.session.id)
        return go_to("cabinet_members.show_sessions", note="others-ended")
    try:
        session_id = parse_id(Prefix.SESSION, chosen)
    except NotFound:
        return go_to("cabinet_members.show_sessions")
    if session_id == person.session.id:
        return sign_out()
    sessions.end(person.account.id, session_id)
    return go_to("cabinet_members.show_sessions", note="session-ended")


@members.get("/sign-out")
def stay() -> Response:
    """Where a refused `sign_out` is loaded again. The address alone signs nobody out."""
    return go_to("cabinet_members.show_feed")


@members.post("/sign-out")
def sign_out() -> Response:
    """End this session."""
    return leave("signed-out")


def leave(note: str) -> Response:
    """End this session, and on to the sign-in, which says why."""
    person = member()
    sessions.end(person.account.id, person.session.id)
    response = go_to("cabinet.enter", note=note)
    forget_session(response)
    return response
