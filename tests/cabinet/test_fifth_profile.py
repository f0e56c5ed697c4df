"""A product that nobody thought of, a clinic: a file makes its cabinet, and no code does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.kernel.settings import Settings
from tests.cabinet.conftest import Browser
from tests.support.actors import Phone
from tests.support.databases import FakeClock

PROFILE = Path(__file__).with_name("clinic") / "clinic.toml"
HOME = "/cabinet/clinic/"
NUMBER = "+77051112233"
PASSWORD = "tary2026tary"
NEW_PASSWORD = "qazyna2027qz"


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings, now: FakeClock) -> Flask:
    """A service with this cabinet alone."""
    made = make_app(replace(settings, cabinets=(str(PROFILE),)))
    with made.app_context():
        prepare_product(read_profile(str(PROFILE)))
    return made


def code_in_the_sms(context: AppContext) -> str:
    sms = context.channels["sms"]
    assert isinstance(sms, RecordingChannel)
    found = re.search(r"\b\d{6}\b", sms.sent[-1].body)
    assert found, "the code stands in the SMS"
    return found[0]


@pytest.fixture
def patient(browser: Browser, context: AppContext, dispatch: Callable[[], None]) -> Browser:
    """Somebody who has registered with the card 10442; no app has the number, so the code came by SMS."""
    browser.open(f"{HOME}registration?lang=ru")
    browser.send(login="10442", number=NUMBER, branch="north")
    dispatch()
    assert "отправлено SMS с кодом подтверждения" in browser.text
    browser.send(step="check", code=code_in_the_sms(context))
    browser.send(step="finish", password=PASSWORD, repeat=PASSWORD)
    assert browser.path == HOME
    return browser


def test_words_colours_and_city_are_its_own(browser: Browser) -> None:
    browser.open(f"{HOME}?lang=kk")
    for words in ("EMHANA", "Сіздің емханаңыз", "Ақтау қ.", "Карта нөмірімен немесе телефонмен кіріңіз"):
        assert words in browser.text
    assert "#7a1030" in browser.open(f"{HOME}look.css").get_data(as_text=True)
    assert "Регистратура: +7 (7252) 10-20-30" in browser.open(f"{HOME}help?lang=ru").get_data(as_text=True)
    browser.open(f"{HOME}registration?lang=en")
    for words in ("Number of the patient&#39;s card", "The card number stands on the registration sheet.", "South"):
        assert words in browser.text


def test_what_it_does_not_have_is_not_there(browser: Browser) -> None:
    for path in ("re-registration", "code-sign-in"):
        assert browser.open(HOME + path).status_code == 404
    assert "Запомнить" not in browser.open(f"{HOME}?lang=ru").get_data(as_text=True)


def test_a_patient_registers_and_signs_in_by_card_or_phone(patient: Browser) -> None:
    for kind, text in (("login", "10442"), ("number", "8 705 111 22 33")):
        patient.open(f"{HOME}?lang=ru&by={kind}")
        patient.send(HOME, by=kind, **{kind: text, "password": PASSWORD})
        assert patient.path == f"{HOME}feed"
        patient.send(f"{HOME}sign-out")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"branch": "west"}, "Выберите"),
        ({"branch": ""}, "Выберите"),
        ({"login": "!"}, "Введите логин"),
        ({"number": "123"}, "Такого номера не бывает"),
    ],
)
def test_its_fields_are_looked_at_by_their_kind(browser: Browser, typed: dict[str, str], says: str) -> None:
    browser.open(f"{HOME}registration?lang=ru")
    page = browser.send(**{"login": "10442", "number": NUMBER, "branch": "north"} | typed)
    assert page.status_code == 422
    assert says in browser.text


def test_its_password_rule_is_its_own(
    patient: Browser, context: AppContext, now: FakeClock, dispatch: Callable[[], None]
) -> None:
    """Ten characters with a digit: no capitals, no special ones."""
    now.forward(hours=1)
    patient.open(f"{HOME}recovery?lang=ru")
    patient.send(number=NUMBER)
    dispatch()
    patient.send(step="check", code=code_in_the_sms(context))
    for refused in ("no digits here", "short1"):
        assert patient.send(step="finish", password=refused, repeat=refused).status_code == 422
    patient.send(step="finish", password=NEW_PASSWORD, repeat=NEW_PASSWORD)
    assert patient.path == HOME
    patient.send(HOME, by="login", login="10442", password=NEW_PASSWORD)
    assert patient.path == f"{HOME}feed"


@pytest.mark.both_engines
def test_its_codes_have_six_digits_and_go_on_by_sms(
    app: Flask, patient: Browser, phone: Phone, context: AppContext, now: FakeClock, dispatch: Callable[[], None]
) -> None:
    """Once a phone is bound the push goes first; where nobody opens it, the SMS follows after 20 seconds."""
    with app.app_context():
        policy = caller_of(read_profile(str(PROFILE))).policy
    assert (policy.code_digits, list(policy.route)) == (6, ["push:20", "sms"])
    patient.send(HOME, by="login", login="10442", password=PASSWORD)
    password = re.search(r'id="one-time-password"[^>]*>([\d ]+)<', patient.text)
    assert password, patient.text
    phone.bind(number=NUMBER, password=password[1].replace(" ", ""))
    patient.send(f"{HOME}sign-out")

    now.forward(hours=1)
    patient.open(f"{HOME}recovery?lang=ru")
    patient.send(number=NUMBER)
    dispatch()
    assert "отправлено SMS" not in patient.text
    now.forward(seconds=21)
    dispatch()
    patient.open(patient.path)
    assert "отправлено SMS с кодом подтверждения" in patient.text
    patient.send(step="check", code=code_in_the_sms(context))
    patient.send(step="finish", password=NEW_PASSWORD, repeat=NEW_PASSWORD)
    assert patient.path == HOME


@pytest.mark.parametrize("bound", [False, True])
def test_a_stranger_can_t_be_told_from_a_patient_while_the_code_goes_on_by_sms(
    bound: bool, patient: Browser, another_browser: Browser, phone: Phone, now: FakeClock, dispatch: Callable[[], None]
) -> None:
    """Of numbers without an account half look as if an app were bound; in time the SMS follows for both kinds."""
    if bound:
        patient.send(HOME, by="login", login="10442", password=PASSWORD)
        password = re.search(r'id="one-time-password"[^>]*>([\d ]+)<', patient.text)
        assert password
        phone.bind(number=NUMBER, password=password[1].replace(" ", ""))
        patient.send(f"{HOME}sign-out")
    now.forward(hours=1)
    known = seen_after_each_step(patient, NUMBER, now, dispatch)
    for last in range(30):
        stranger = f"+7705900{last:04d}"
        now.forward(hours=1)
        if seen_after_each_step(another_browser, stranger, now, dispatch) == known:
            return
    raise AssertionError(f"no stranger looks like the patient: {known}")


def seen_after_each_step(browser: Browser, number: str, now: FakeClock, dispatch: Callable[[], None]) -> list[str]:
    """What the page says as a guesser goes on: asked, after half a minute, and after each of four guesses."""
    browser.open(f"{HOME}recovery?lang=ru")
    browser.send(number=number)
    seen = [words_of(browser)]
    dispatch()
    now.forward(seconds=25)
    dispatch()
    browser.open(browser.path)
    seen.append(words_of(browser))
    for _ in range(4):
        browser.send(step="check", code="000001")
        seen.append(words_of(browser))
    return seen


def words_of(browser: Browser) -> str:
    main = browser.text.partition("<main")[2].partition("</main>")[0]
    words = re.sub(r'value="[^"]*"|data-until="[^"]*"|flw_\w+|\+\d+\*+\d+', "…", main)
    return " ".join(words.split())
