"""`/start/mail`: what the simulated mail server took, as text with links that can be clicked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from demo.start.mail import with_links
from pushhub.channels.configured import configured_channels
from pushhub.kernel.settings import Settings, load_settings
from simulators import Simulators
from tests.mail.conftest import Desk, deliver
from tests.support.databases import FakeClock
from tests.support.environments import least_of


@pytest.fixture
def local(make_app: Callable[..., Flask], settings: Settings, sim: Simulators, now: FakeClock) -> Callable[..., Flask]:
    """An installation as `make run` makes it, with a part of it changed."""

    def make(**changes: object) -> Flask:
        own = {"PUSHHUB_PUBLIC_URL": "http://127.0.0.1:8080", "PUSHHUB_START_PAGE": "true"}
        ours = replace(load_settings(least_of(settings) | own | sim.settings()), **changes)  # type: ignore[arg-type]
        return make_app(ours, channels={"email": configured_channels(ours)["email"]})

    return make


def page(app: Flask, language: str = "en") -> str:
    answer = app.test_client().get(f"/start/mail?lang={language}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def test_the_newest_letters_are_shown_with_their_links(local: Callable[..., Flask], desk: Desk) -> None:
    app = local()
    assert "No mail yet." in page(app)
    desk.post(subject="Older", text="nothing")
    deliver(app)
    desk.post("somebody@mail.kz", subject="Пароль", text="Откройте http://127.0.0.1:8080/r/abc?x=1&y=2.\nСпасибо")
    deliver(app)
    text = page(app)
    assert "To: somebody@mail.kz" in text
    assert text.index("Пароль") < text.index("Older")
    link = "http://127.0.0.1:8080/r/abc?x=1&amp;y=2"
    assert f'<a href="{link}" target="_blank" rel="noopener">{link}</a>.\nСпасибо' in text


def test_markup_in_a_letter_is_text(local: Callable[..., Flask], desk: Desk) -> None:
    app = local()
    desk.post(subject="<script>alert(1)</script>", text='<img src=x onerror="alert(1)"> https://a.kz/"onmouseover="x')
    deliver(app)
    text = page(app)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    assert 'href="https://a.kz/" ' in text


def test_what_was_refused_is_not_shown(local: Callable[..., Flask], desk: Desk, sim: Simulators) -> None:
    app = local()
    sim.script(provider="email", status=550, reason="5.1.1 nobody")
    desk.post(subject="Refused")
    deliver(app)
    assert "No mail yet." in page(app)


def test_it_speaks_three_languages(local: Callable[..., Flask]) -> None:
    app = local()
    assert [
        word in page(app, language) for language, word in (("kk", "Пошта"), ("ru", "Писем пока нет"), ("en", "Mailbox"))
    ] == [True] * 3


def test_a_simulator_that_is_gone_is_said(local: Callable[..., Flask]) -> None:
    assert "does not answer" in page(local(simulator_url="http://127.0.0.1:1"))


@pytest.mark.parametrize("changes", [{"simulated": False}, {"simulator_url": None}, {"start_page": False}])
def test_there_is_no_mailbox_where_mail_is_real(local: Callable[..., Flask], changes: dict[str, object]) -> None:
    assert local(**changes).test_client().get("/start/mail").status_code == 404


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("nothing", []),
        ("(https://a.kz/b).", ["https://a.kz/b"]),
        ("javascript:alert(1) ftp://a.kz file:///etc", []),
        ("https://a.kz/x http://b.kz/y", ["https://a.kz/x", "http://b.kz/y"]),
        ("https://a.kz/?q=<b>", ["https://a.kz/?q="]),
    ],
)
def test_only_addresses_of_pages_become_links(text: str, links: list[str]) -> None:
    assert re.findall(r'href="([^"]*)"', with_links(text)) == links
