"""The task of a form that anybody may send (`pushhub.accounts.flows.captcha`), and what came back of it.

A page asks for it with the macro `captcha(form)` of `cabinet/captcha.html`; its solution stands in `FIELD`.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from pushhub.accounts.flows import captcha
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import profile
from web_api.cabinet.routes import pages

#: The field in which the browser sends the solution.
FIELD = "captcha"


@pages.get("/captcha.json")
def give_captcha() -> dict[str, Any]:
    """A new task for this cabinet."""
    return captcha.challenge(profile().slug)


def sent_solution() -> str:
    """What the browser sent. A `Form` does not have it whole: its fields are short."""
    return request.form.get(FIELD, "")


def refuse_without_attempt(form: Form) -> None:
    """Note it in the form where nobody has tried the task: said with all else that is wrong, and nothing is used up."""
    if not sent_solution():
        _refuse(form)


def refuse_without_captcha(form: Form) -> None:
    """Note it in the form where the task is not solved. The solution is used up: asked when the form is right as far as
    it can be seen by itself, and before anything is looked up for it."""
    if not captcha.spend(sent_solution(), place=profile().slug):
        _refuse(form)


def _refuse(form: Form) -> None:
    form.refuse(FIELD, _("Tick “I am not a robot” and wait until it is done. It holds for ten minutes, once."))
