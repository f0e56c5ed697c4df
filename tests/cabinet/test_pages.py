"""What the pages promise without a browser: cookies, forgery, secrets, trouble, and nothing told about accounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.people.register import register
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.settings import Settings
from pushhub.products.products import Caller, set_policy
from simulators.register import Register
from tests.cabinet.browser import Browser, cookies_set
from tests.cabinet.conftest import person, with_products
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.iins import iins
from tests.support.logs import everything_in
from tests.support.rows import everything_stored

HOME = "/cabinet/indigo/"
NEW = "Kunshuaq!2027"
#: What is asked before a cabinet goes to another number.
ANSWERS = {
    "child": FAMILY.child,
    "certificate": FAMILY.certificate,
    "first_parent": FAMILY.iin,
    "place": "kindergarten",
    "confirmed": "yes",
}


def bind_in_the_feed(browser: Browser, phone: Phone, number: str) -> str:
    """Sign in, bind the phone and sign out; the password with which it was bound."""
    browser.sign_in()
    password = str(browser.shown_offer()["password"])
    phone.bind(number=number, password=password)
    browser.send("/cabinet/indigo/sign-out")
    return password


def test_cookies_travel_safely_and_the_session_is_a_new_one_at_each_sign_in(browser: Browser, account: str) -> None:
    first = browser.open(HOME)
    visitor = first.headers["Set-Cookie"]
    for word in ("__Host-indigo-visitor=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in visitor
    sessions = set()
    for _ in range(2):
        signed = browser.sign_in()
        cookie = cookies_set(signed, "indigo-session")[0]
        for word in ("__Host-indigo-session=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in cookie
        assert "Max-Age" not in cookie
        assert "Expires" not in cookie
        sessions.add(cookie.partition(";")[0])
        browser.send("/cabinet/indigo/sign-out")
    assert len(sessions) == 2


@pytest.mark.parametrize("path", ["", "feed", "help", "re-registration", "sign-in/flw_01", "nothing"])
def test_every_page_is_kept_by_no_cache_and_runs_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    page = browser.open(HOME + path)
    assert page.headers["Cache-Control"] == "no-store"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*(src=|application/json))|\sstyle=|\son\w+=", browser.text)


@pytest.mark.parametrize(
    ("headers", "keep_secret"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "https://elsewhere.test"}, True),
        ({}, False),
    ],
)
def test_no_other_site_sends_a_form(browser: Browser, headers: dict[str, str], keep_secret: bool) -> None:
    browser.open(HOME)
    secret = {"sent_by": browser.hidden("sent_by")}
    fields = {"iin": FAMILY.iin, "consent-agreement": "yes", "consent-contact": "yes"}
    fields |= secret if keep_secret else {}
    answer = browser.client.post(HOME, data=fields, headers=headers, base_url="https://codes.test")
    assert answer.status_code == 403
    assert "text/html" in answer.content_type


def test_a_form_that_is_too_long_is_said_to_be_so(browser: Browser) -> None:
    browser.open(f"{HOME}?lang=ru")
    assert browser.send(iin="9" * 3_000_000).status_code == 413
    assert "Это слишком длинно" in browser.text


def test_a_signed_in_page_is_for_who_is_signed_in(browser: Browser, another_browser: Browser, account: str) -> None:
    browser.sign_in()
    assert browser.path == "/cabinet/indigo/feed"
    for path in ("feed", "sessions", "feed/qr.svg"):
        another_browser.open(HOME + path)
        assert another_browser.path == HOME
        assert "Сеанс" in another_browser.text or "сеанс" in another_browser.text or "session" in another_browser.text


def test_somebody_elses_session_can_not_be_ended(
    browser: Browser, another_browser: Browser, account: str, app: Flask, caller: Caller
) -> None:
    with app.app_context():
        register(caller.product_id, person(FAMILY.other_parent), PhoneNumber.parse("+77011234567"), NEW)
    browser.sign_in()
    browser.open(HOME + "sessions")
    session = browser.find(r'value="(ses_\w+)"')
    another_browser.sign_in(FAMILY.other_parent, NEW)
    another_browser.send("/cabinet/indigo/sessions", session=session)
    browser.open(HOME + "feed")
    assert browser.path == "/cabinet/indigo/feed"


def test_nothing_that_was_typed_runs_as_script(browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    browser.open(HOME)
    browser.send(iin=evil)
    assert "<script>alert" not in browser.text
    assert "&lt;script&gt;" in browser.text
    browser.open(f"{HOME}re-registration")
    browser.send(child=evil, certificate=evil, first_parent=evil, second_parent=evil, place=evil)
    assert "<script>alert" not in browser.text
    browser.open(f"{HOME}?note={evil}&lang={evil}")
    assert "<script>alert" not in browser.text
    browser.open(f"{HOME}help/code?from=https://elsewhere.test/")
    assert "elsewhere" not in browser.text
    browser.open(f"{HOME}help/code?from=/cabinet/indigo//elsewhere.test")
    assert "elsewhere" not in browser.text


def test_secrets_do_not_go_back_into_the_page(browser: Browser, account: str) -> None:
    browser.name_themselves()
    browser.send(password="A password that is Wrong#1")
    assert "A password that is Wrong#1" not in browser.text


def test_no_iin_and_no_password_stands_readable_in_the_database(browser: Browser, account: str, app: Flask) -> None:
    browser.sign_in()
    browser.send("/cabinet/indigo/sign-out")
    browser.name_themselves(FAMILY.other_parent)
    browser.open(f"{HOME}re-registration")
    browser.send(**ANSWERS)
    assert "/re-registration/flw_" in browser.path
    stored = everything_stored(app)
    assert stored
    for secret in (FAMILY.iin, FAMILY.other_parent, FAMILY.child, FAMILY.certificate, FAMILY.password):
        assert not any(secret in row for row in stored)


def test_a_register_that_does_not_answer_gives_a_clear_page(
    make_app: Callable[..., Flask], cabinet_settings: Settings
) -> None:
    assert cabinet_settings.registry_file is not None
    with Register(cabinet_settings.registry_file) as register:
        settings = replace(cabinet_settings, registry_file=None, registry_url=register.url)
        browser = Browser(with_products(make_app(settings), "indigo"))
        register.status = 500
        browser.open(f"{HOME}re-registration?lang=ru")
        assert browser.send(**ANSWERS).status_code == 503
        assert "Государственный реестр не отвечает" in browser.text
        assert "Traceback" not in browser.text
        register.status = None
        browser.open(f"{HOME}re-registration")
        browser.send(**ANSWERS)
        assert "Вы верно ответили на все вопросы!" in browser.text


def test_wrong_answers_about_children_are_limited(browser: Browser, now: FakeClock) -> None:
    browser.open(f"{HOME}re-registration?lang=ru")
    for number in range(10):
        browser.send(**ANSWERS | {"certificate": f"001234567{number}" if number != 8 else "1"})
        assert "не соответствует этому ребенку" in browser.text
    browser.send(**ANSWERS)  # with the right certificate
    assert "Слишком много неверных ответов" in browser.text
    now.forward(hours=1)
    browser.send(**ANSWERS)
    assert "Вы верно ответили" in browser.text


def test_a_code_that_went_to_the_old_number_opens_nothing_once_the_number_has_changed(
    browser: Browser, another_browser: Browser, account: str, phone: Phone, app: Flask, caller: Caller
) -> None:
    bind_in_the_feed(browser, phone, account)
    browser.forget_password()
    assert "/recovery/" in browser.path
    code = phone.read_code()
    with app.app_context():
        register(caller.product_id, person(), PhoneNumber.parse(FAMILY.new_number), NEW)
    browser.send(step="finish", code=code, password="Attacker#2026", repeat="Attacker#2026")
    assert browser.path == HOME
    assert "Начните сначала" in browser.text
    another_browser.sign_in(password=NEW)
    assert another_browser.path == "/cabinet/indigo/feed"


def test_a_mistyped_new_password_costs_no_try_of_the_code(browser: Browser, account: str, phone: Phone) -> None:
    bind_in_the_feed(browser, phone, account)
    browser.forget_password()
    code = phone.read_code()
    for _ in range(5):
        browser.send(step="finish", code=code, password="weak", repeat="weak")
    browser.send(step="finish", code=code, password=NEW, repeat=NEW)
    assert "Пароль обновлён" in browser.text


def test_the_app_is_got_from_the_store_of_the_phone(make_app: Callable[..., Flask], cabinet_settings: Settings) -> None:
    stores = {"android_store_link": "https://play.example/app", "ios_store_link": "https://apps.example/app"}
    client = make_app(replace(cabinet_settings, **stores)).test_client()
    for agent, link in (
        ("Mozilla/5.0 (Linux; Android 15)", "https://play.example/app"),
        ("Mozilla/5.0 (iPhone; CPU)", "https://apps.example/app"),
        ("Mozilla/5.0 (Windows NT 10.0)", "/app"),
    ):
        assert client.get(f"{HOME}app", headers={"User-Agent": agent}).headers["Location"] == link


def test_a_product_that_demands_a_proven_number_shows_no_offer_to_strangers(
    browser: Browser, account: str, app: Flask, caller: Caller
) -> None:
    with app.app_context():
        set_policy(caller.product_id, {"proven_purposes": ["password_reset"]})
    seen = []
    for iin in (FAMILY.iin, FAMILY.other_parent):
        browser.forget_password(iin)
        assert "/recovery/" in browser.path
        assert "qr.svg" not in browser.text
        seen.append("Обновить номер" in browser.text and "привязать новое можно" in browser.text)
    assert seen[0]
    assert browser.open(browser.path.replace("/recovery/", "/flows/") + "/qr.svg").status_code == 404


def test_no_secret_of_a_person_stands_in_any_log(
    browser: Browser, account: str, phone: Phone, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    browser.sign_in(password="Wrong#Wrong#1234")
    shown = bind_in_the_feed(browser, phone, account)
    browser.forget_password()
    code = phone.read_code()
    browser.send(step="finish", code=code, password=NEW, repeat=NEW)
    assert "Пароль обновлён" in browser.text
    browser.open(f"{HOME}re-registration")
    browser.send(**ANSWERS | {"certificate": "no", "place": "queue"})
    printed = capfd.readouterr()
    logged = everything_in(caplog.records)
    logged += printed.out + printed.err
    secrets = [FAMILY.iin, FAMILY.child, FAMILY.password, NEW, "Wrong#Wrong#1234", account, shown]
    assert [secret for secret in secrets if secret in logged] == []
    assert f'"{code}"' not in logged


@pytest.mark.parametrize("path", ["/cabinet/indigo", "/cabinet/indigo/"])
def test_the_address_is_found_with_and_without_its_last_stroke(browser: Browser, path: str) -> None:
    assert browser.open(path).status_code == 200


def test_a_cabinet_that_is_not_served_is_not_found(browser: Browser) -> None:
    assert browser.open("/cabinet/sakura/").status_code == 404


def test_a_panel_tells_a_stranger_nothing_about_who_has_an_account(browser: Browser, account: str) -> None:
    """Of an IIN that nobody has it shows the same as of one whose owner has no app yet."""
    seen = {}
    for iin in (FAMILY.iin, *islice(iins("8502024"), 30)):
        browser.forget_password(iin)
        if "<pushhub-panel" in browser.text:
            state = browser.panel_state()
            browser.client.post("/panel/v1/offer", headers={"Authorization": f"Bearer {browser.panel_secret()}"})
            seen[iin] = {name: value for name, value in state.items() if name not in ("id", "number_masked", "offer")}
            seen[iin]["offer"] = sorted(name for name, value in state["offer"].items() if value is not None)
            assert browser.panel_state()["offer"]["id"] == state["offer"]["id"]
    assert len(seen) > 2
    assert all(state == seen[FAMILY.iin] for state in seen.values())


def test_whoever_loads_the_answer_of_a_form_again_finds_a_page(app: Flask, browser: Browser, account: str) -> None:
    """Browsers keep an answer under the address that the form was sent to (`history.js`)."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(("cabinet.", "cabinet_members."))]
    opened, sent = ({rule.rule for rule in rules if method in (rule.methods or ())} for method in ("GET", "POST"))
    assert sent
    assert sent <= opened
    browser.sign_in()
    assert browser.open(f"{HOME}sign-out").request.path == f"{HOME}feed"
    assert browser.open(f"{HOME}sign-in/flw_1/forgotten").request.path == f"{HOME}feed"  # who is signed in stays it
