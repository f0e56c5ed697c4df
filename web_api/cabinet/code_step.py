"""Steps that several ways have in common: beginning again, having a code sent, and the page that takes it."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response

from pushhub.accounts.flows.flows import Flow
from pushhub.accounts.flows.number_proof import ProofSubject
from pushhub.kernel.errors import TooManyCodes
from web_api.cabinet import number_proof
from web_api.cabinet.forms import Form
from web_api.cabinet.request_context import page
from web_api.cabinet.words import unreachable_words


def begin_again() -> Response:
    """To the first page, saying that nothing was changed."""
    return redirect(url_for("cabinet.enter", note="begin-again"), 303)


def have_code_sent(flow: Flow, subject: ProofSubject, form: Form, here: str) -> Response | None:
    """The steps `send` and `resend` of a form, and then back to its page, which shows what came of it. None where
    something stands against it, which is noted in the form."""
    if form.text("step") == "resend" and flow.answers.get("verification"):
        is_sent = number_proof.resend(flow, subject, form)
        return redirect(f"{here}?note=sent-again" if is_sent else here, 303) if form.good else None
    guided = bool(flow.answers.get("reason"))
    try:
        is_sent = number_proof.send(flow, subject)[1]
    except TooManyCodes as refusal:
        number_proof.refuse_flood(form, refusal)
        return None
    return redirect(here if is_sent or not guided else f"{here}?note=not-bound", 303)


def code_page(template: str, flow: Flow, form: Form, status: int = 200, **further: Any) -> Response:
    """The page of a flow that takes its code, or guides to binding an app first. To the beginning where the number on
    file has changed since."""
    subject = number_proof.subject_in(flow)
    if subject is None:
        return begin_again()
    stage = number_proof.stage_of(flow, subject)
    return page(
        template,
        status,
        form=form,
        flow_id=number_proof.address_of(flow),
        stage=stage,
        why=unreachable_words(stage.reason, moves=stage.moves),
        noted=True,
        **further,
    )
