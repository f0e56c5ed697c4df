"""The page at `/` of a service without the start page of the demonstration: what this is, and where to read on."""

from __future__ import annotations

from flask import Blueprint, render_template

from pushhub.http.contract import public
from pushhub.http.design import secured
from pushhub.translations import LANGUAGE_NAMES, chosen_language

pages = Blueprint("welcome", __name__, template_folder="templates")
pages.before_request(public)
pages.after_request(secured)


@pages.get("/")
def welcome() -> str:
    """A page that says what this is, and where to read on."""
    return render_template("welcome.html", language=chosen_language(), languages=LANGUAGE_NAMES)
