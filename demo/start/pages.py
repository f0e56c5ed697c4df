"""The page itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from demo.sample import sample_accounts
from demo.start.people import visit_to
from demo.start.words import script_texts
from pushhub.context import current
from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.http.not_found import not_found
from pushhub.kernel.errors import NotFound
from pushhub.translations import LANGUAGE_NAMES, chosen_language

story = Blueprint("start", __name__, template_folder="templates", static_folder="static", static_url_path="/start/own")


def for_everybody(pages: Blueprint) -> None:
    """Pages that anybody may see, with their headers and with a page where there is nothing."""
    pages.before_request(public)
    pages.after_request(secured)
    pages.register_error_handler(NotFound, not_found)


for_everybody(story)


def page(template: str, **values: Any) -> str:
    """A page in the reader's language."""
    simulated = current().settings.simulated
    return render_template(
        template, language=chosen_language(), languages=LANGUAGE_NAMES, simulated=simulated, **values
    )


@story.get("/")
def show_walk() -> str:
    """A cabinet and a phone beside it, with prepared people; without them, how a code is delivered."""
    accounts = sample_accounts()
    if not accounts:
        return show_story()
    visits = [visit_to(account) for account in accounts]
    chosen = next((each for each in visits if each.profile.slug == request.args.get("cabinet")), visits[0])
    return page("walk.html", visits=visits, visit=chosen, texts={})


@story.get("/start/codes")
def show_story() -> str:
    """The way of one code, with a phone beside it."""
    return page("start.html", texts=script_texts(simulated=current().settings.simulated))
