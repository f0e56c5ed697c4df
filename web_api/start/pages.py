"""The page itself."""

from __future__ import annotations

from flask import Blueprint, render_template

from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.hub import hub
from pushhub.translations import LANGUAGE_NAMES, chosen_language
from web_api.start.words import script_texts

story = Blueprint("start", __name__, template_folder="templates", static_folder="static", static_url_path="/start/own")
plain = Blueprint("welcome", __name__, template_folder="templates")


@story.get("/")
def show_story() -> str:
    """The whole story, with a phone beside it."""
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
