"""Registration as other profiles have it, and what belongs to every one of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from demo.sample import FAMILY
from pushhub.accounts.passwords.rules import PasswordRule, readable_password
from pushhub.accounts.people.register import IdentifierTaken, NewAccount, create
from pushhub.accounts.sign_in_identifiers import by_number
from pushhub.cabinets.loader import OWN_PROFILES, read_profile
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.errors import Busy, ConfigurationError
from pushhub.kernel.settings import Settings
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import person, with_products
from tests.cabinet.owners import letters, link_in
from tests.cabinet.profiles import variant
from tests.cabinet.registering import (
    BALABAQSHA,
    EMAIL,
    KTC,
    NEW,
    PORTAL,
    accounts,
    begin,
    begin_portal,
    caller_for,
    only_account,
    prove,
)
from tests.support.actors import Phone
from tests.support.databases import FakeClock

AppWith = Callable[[str, dict[str, str]], Flask]
#: The portal's profile, changed so that it takes an address and no number that a code would have to prove.
WITHOUT_A_CODE = {"code = true": "code = false", 'name = "number"\nkind = "number"': EMAIL}


@pytest.mark.both_engines
def test_registrations_from_one_network_are_limited(app_with: AppWith, now: FakeClock) -> None:
    browser = Browser(app_with("portal", WITHOUT_A_CODE))
    for _ in range(20):
        begin_portal(browser)
        assert "/registration/flw_" in browser.path
    begin_portal(browser)
    assert "слишком много регистраций" in browser.text
    now.forward(hours=1)
    begin_portal(browser)
    assert "/registration/flw_" in browser.path


def test_without_a_proof_that_the_iin_is_theirs_nothing_of_the_register_is_told(
    app_with: AppWith, now: FakeClock
) -> None:
    app = app_with("balabaqsha", {"mobile_base = true": "mobile_base = false"})
    browser, mine = Browser(app), Phone.new(app, "https://codes.test", now)
    begin(browser, number="+77011234567")
    prove(browser, mine, "+77011234567")
    assert "Номер подтверждён" in browser.text
    assert "Ахметова" not in browser.text
    browser.send(step="finish", password=NEW, repeat=NEW)
    assert only_account(app)[2] == {}


def test_a_profile_without_a_register_takes_code_and_password(browser: Browser, phone: Phone, app: Flask) -> None:
    begin_portal(browser)
    prove(browser, phone)
    assert "государственном реестре" not in browser.text
    browser.send(step="finish", password="Kitap#2026kz", repeat="Kitap#2026kz")
    assert "Вы зарегистрированы" in browser.text
    account, identifiers, profile_data = only_account(app)
    assert account.number == PhoneNumber.parse(FAMILY.number)
    assert identifiers == {"number": "+770****6868"}
    assert profile_data == {"surname": "Ахметова", "name": "Айгерим"}


def test_a_profile_without_a_code_goes_straight_to_the_password(app_with: AppWith) -> None:
    app = app_with("portal", WITHOUT_A_CODE)
    browser = Browser(app)
    begin_portal(browser)
    assert "Номер подтверждён" not in browser.text
    browser.send(step="finish", password="Kitap#2026kz", repeat="Kitap#2026kz")
    assert "Вы зарегистрированы" in browser.text
    assert only_account(app)[1] == {"email": "ne****@example.kz"}


@pytest.mark.both_engines
def test_an_address_beside_a_number_is_confirmed_by_letter_before_it_counts(app_with: AppWith, now: FakeClock) -> None:
    email = (
        f"[[registration.fields]]\n{EMAIL}\nlabel = {{ kk = 'E-mail', ru = 'E-mail', en = 'E-mail' }}\n\n[[recovery]]"
    )
    app = app_with("portal", {"[[recovery]]": email})
    browser, phone = Browser(app), Phone.new(app, "https://codes.test", now)
    begin_portal(browser)
    prove(browser, phone)
    browser.send(step="finish", password="Kitap#2026kz", repeat="Kitap#2026kz")
    assert "письмо" in browser.text
    account, identifiers, _particulars = only_account(app)
    assert identifiers == {"number": "+770****6868"}
    assert account.email_sealed is None
    (letter,) = letters(app)
    assert letter.to == "new@example.kz"
    browser.open(link_in(letter))
    browser.send()
    assert only_account(app)[1] == {"number": "+770****6868", "email": "ne****@example.kz"}


def test_a_cabinet_without_registration_has_no_such_page(
    make_app: Callable[..., Flask], cabinet_settings: Settings
) -> None:
    browser = Browser(with_products(make_app(replace(cabinet_settings, cabinets=("indigo",))), "indigo"))
    for path in ("registration", "registration/flw_01jd6000000000000000000000"):
        assert browser.open(f"/cabinet/indigo/{path}").status_code == 404


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("portal", {"code = true": "code = false"}, "must ask for email or number, or nobody who registers could"),
        ("portal", {'name = "surname"': 'name = "password"'}, "can't have a field 'password'"),
        ("portal", {'name = "surname"': 'name = "consent-terms"'}, "can't have a field 'consent-terms'"),
        ("portal", {'name = "surname"\nkind = "text"': 'name = "surname"\nkind = "choice"'}, "choices belong to"),
        (
            "balabaqsha",
            {"mobile_base = true": 'mobile_base = true\npassword = "sent"'},
            "takes one of: chosen, generated",
        ),
    ],
)
def test_a_registration_that_can_not_work_is_refused_at_start(
    tmp_path: Path, name: str, changes: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_profile(variant(tmp_path, name, changes))
    assert says in str(refused.value)
    assert re.search(r"\.toml, line \d+: registration", str(refused.value))


@pytest.mark.parametrize("name", [path.stem for path in OWN_PROFILES.glob("*.toml") if "-" not in path.stem])
def test_a_password_that_is_made_meets_the_rule_and_is_easily_read(name: str) -> None:
    rule = read_profile(name).password
    made = {readable_password(rule) for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert rule.unmet(password) == ()
        assert not set(password) & set("0OIl1oBSGZ ")
        assert re.fullmatch(r"(\w{1,4}[^\w]?)+", password)


@pytest.mark.parametrize(
    "rule",
    [
        PasswordRule(8, 16, lower=True, upper=True, digit=True, special=""),
        PasswordRule(40, 64, lower=True, upper=True, digit=True, special="~"),
        PasswordRule(12, 128, lower=False, upper=False, digit=False, special="!@#$%&*?"),
    ],
)
def test_any_rule_can_be_met(rule: PasswordRule) -> None:
    for _ in range(50):
        assert rule.unmet(readable_password(rule)) == ()


@pytest.mark.both_engines
def test_of_many_at_once_one_gets_the_account(app: Flask) -> None:
    product_id = caller_for(app).product_id
    ready = threading.Barrier(8, timeout=60)

    def try_it(place: int) -> str:
        with app.app_context():
            number = PhoneNumber.parse(FAMILY.number)
            new = NewAccount((person(), by_number(number)), number)
            written: list[UUID] = []
            ready.wait(20)
            try:
                create(product_id, new, f"balapan{place}", also=lambda _session, account_id: written.append(account_id))
            except IdentifierTaken as refusal:
                return "+".join(refusal.kinds)
            return "made"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(try_it, range(8)))
    assert answers == ["iin+number"] * 7 + ["made"]
    assert len(accounts(app)) == 1


@pytest.mark.both_engines
def test_what_belongs_to_the_account_is_written_with_it_or_neither(app: Flask) -> None:
    def fail(_session: Session, _account_id: UUID) -> None:
        raise Busy

    with app.app_context(), pytest.raises(Busy):
        create(caller_for(app).product_id, NewAccount((person(),)), NEW, also=fail)
    assert accounts(app) == []


@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_the_pages_speak_three_languages(browser: Browser, phone: Phone, locale: str, easy_captcha: None) -> None:
    titles = {"kk": "Тіркелу", "ru": "Регистрация", "en": "Registration"}
    for home in (BALABAQSHA, KTC, PORTAL):
        browser.open(f"{home}registration?lang={locale}")
        assert f"<h1>{titles[locale]}</h1>" in browser.text
