"""The page itself."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from pushhub.cabinets.sample import sample_accounts
from pushhub.errors import NotFound
from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.http.nowhere import nothing_here
from pushhub.hub import hub
from pushhub.translations import LANGUAGE_NAMES, chosen_language
from web_api.start.people import visit_to
from web_api.start.words import script_texts

story = Blueprint("start", __name__, template_folder="templates", static_folder="static", static_url_path="/start/own")
plain = Blueprint("welcome", __name__, template_folder="templates")


@story.get("/")
def show_walk() -> str:
    """A cabinet and a phone beside it, with prepared people; without them, how a code is delivered."""
    accounts = sample_accounts()
    if not accounts:
        return show_story()
    visits = [visit_to(account) for account in accounts]
    chosen = next((each for each in visits if each.profile.slug == request.args.get("cabinet")), visits[0])
    return render_template(
        "walk.html",
        language=chosen_language(),
        languages=LANGUAGE_NAMES,
        visits=visits,
        visit=chosen,
        simulated=hub().settings.simulated,
        texts={},
    )


@story.get("/start/codes")
def show_story() -> str:
    """The way of one code, with a phone beside it."""
    return render_template(
        "start.html",
        language=chosen_language(),
        languages=LANGUAGE_NAMES,
        simulated=hub().settings.simulated,
        texts=script_texts(simulated=hub().settings.simulated),
    )


@plain.get("/")
def welcome() -> str:
    """What this is, and where to read on."""
    return render_template("welcome.html", language=chosen_language(), languages=LANGUAGE_NAMES)


for _pages in (story, plain):
    _pages.before_request(public)
    _pages.after_request(secured)
    _pages.register_error_handler(NotFound, nothing_here)
