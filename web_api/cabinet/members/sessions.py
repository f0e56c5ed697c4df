"""The browsers in which a person is signed in, and signing out."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from pushhub.accounts.sessions import sessions
from pushhub.kernel.errors import NotFound
from pushhub.kernel.ids import Prefix, parse_id, public_id
from web_api.cabinet.request_context import forget_session, member, page
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
        return redirect(url_for("cabinet_members.show_sessions", note="others-ended"), 303)
    try:
        session_id = parse_id(Prefix.SESSION, chosen)
    except NotFound:
        return redirect(url_for("cabinet_members.show_sessions"), 303)
    if session_id == person.session.id:
        return sign_out()
    sessions.end(person.account.id, session_id)
    return redirect(url_for("cabinet_members.show_sessions", note="session-ended"), 303)


@members.get("/sign-out")
def stay() -> Response:
    """Where a refused `sign_out` is loaded again. The address alone signs nobody out."""
    return redirect(url_for("cabinet_members.show_feed"), 303)


@members.post("/sign-out")
def sign_out() -> Response:
    """End this session."""
    person = member()
    sessions.end(person.account.id, person.session.id)
    response = redirect(url_for("cabinet.enter", note="signed-out"), 303)
    forget_session(response)
    return response
