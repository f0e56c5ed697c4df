"""A profile is everything that differs between cabinets; what is wrong with one is said with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of, prepare_product
from pushhub.cabinets.toml_reader import lines_of
from pushhub.commands.checkup import examine
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.settings import Settings
from tests.cabinet.browser import Browser
from tests.cabinet.conftest import with_products
from tests.cabinet.profiles import variant
from tests.support.command_line import settings_only
from tests.support.environments import least_of

#: Where the profile of KazTransCom has its customers.
CUSTOMERS = 'file = "kaztranscom-customers.toml"'


def test_the_profile_of_indigo_is_what_the_manual_says() -> None:
    profile = read_profile("indigo")
    assert profile.identifiers == ("iin",)
    assert [consent.id for consent in profile.consents] == ["agreement", "contact"]
    assert profile.password.min_length == 12
    assert profile.password.special == "!@#$%&*?"
    assert (profile.code.digits, profile.code.resend_after_seconds) == (4, 60)
    assert profile.app.name == "ed24.kz"
    assert profile.reregistration is not None
    assert [field.required for field in profile.reregistration.fields] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('slug = "indigo"', 'slug = "Indigo!"', "slug takes small letters"),
        ('slug = "indigo"', "", "slug is missing"),
        ('slug = "indigo"', 'slug = "indigo"\ncolor = "red"', "color is not a key that a profile has"),
        ('slug = "indigo"', 'slug = "indigo', "is not TOML: .*line 3"),
        ('identifiers = ["iin"]', 'identifiers = ["passport"]', "identifiers takes a list of some of: iin"),
        ('accent = "#3f3d9e"', 'accent = "blue"', "look.accent takes a colour"),
        ('logo = "indigo.svg"', 'logo = "missing.svg"', "look.logo takes an SVG file"),
        ('zone = "Asia/Almaty"', 'zone = "Asia/Pavlodar2"', "clock.zone takes a time zone"),
        ("min_length = 12", "min_length = 3", "password.min_length takes a whole number from 8 to 64"),
        ("lower = true", 'lower = "yes"', "password.lower takes true or false"),
        ("resends = 3", "resends = true", "code.resends takes a whole number"),
        ('kk = "Электрондық балабақша"\n', "", "tagline takes a text in each of: kk, ru, en"),
        ('kind = "text"', 'kind = "colour"', r"reregistration.fields\[2\].kind takes one of"),
        ('name = "certificate"', 'name = "certificate2"', "reregistration.fields are these, each once"),
        ("[соглашением об ответственности сторон]", "соглашением", r"consents\[1\].text marks with \[brackets\]"),
        ('id = "contact"', 'id = "agreement"', "consents takes each id once"),
        ('identifiers = ["iin"]', 'identifiers = ["login"]', r'identifiers takes \["iin"\] and nothing else'),
        ('"https://egov.kz/services', '"http://egov.kz/services', "links.mobile_base_check takes an https"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = variant(tmp_path, "indigo", {old: new})
    with pytest.raises(ConfigurationError, match=says) as refused:
        read_profile(path)
    assert path in str(refused.value)


def test_lengths_that_no_password_can_have_are_refused(tmp_path: Path) -> None:
    changes = {"min_length = 12": "min_length = 20", "max_length = 128": "max_length = 16"}
    with pytest.raises(ConfigurationError, match=r"password\.max_length can't be below min_length, which is 20"):
        read_profile(variant(tmp_path, "indigo", changes))


def test_consents_that_are_asked_for_and_stand_nowhere_are_refused(tmp_path: Path) -> None:
    path = Path(variant(tmp_path, "indigo", {}))
    kept = re.sub(r"\[\[consents\]\]\n(?:[^\[\n].*\n|\[consents\..*\n|\n)*", "", path.read_text())
    path.write_text(kept)
    with pytest.raises(ConfigurationError, match="consents is missing"):
        read_profile(str(path))


@pytest.mark.parametrize(
    ("profile", "old", "new", "line", "says"),
    [
        ("indigo", "digits = 4", "digits = 3", "digits = 3", "code.digits takes a whole number from 4 to 8"),
        (
            "indigo",
            'kind = "text"',
            'kind = "colour"',
            'kind = "colour"',
            r"reregistration.fields\[2\].kind takes one of",
        ),
        # What is missing has no line: that of its table is said.
        ("indigo", "min_length = 12\n", "", "[password]", "password.min_length is missing"),
        ("indigo", "city = {", "town = {", "[clock]", "clock.city is missing"),
        ("indigo", 'name = "child"', 'name = "child"\nsize = 3', "size = 3", r"fields\[1\].size is not a key"),
        ("indigo", 'by = "code"', 'by = "pigeon"', 'by = "pigeon"', r"recovery\[1\].by takes one of: code, email"),
        ("indigo", 'by = "code"', 'by = "email"\nask = ["email"]', 'by = "email"', 'only with "email" in identifiers'),
        ("indigo", 'layout = "two-steps"', 'layout = "stairs"', 'layout = "stairs"', "sign_in.layout takes one of"),
        ("indigo", 'layout = "two-steps"', 'layout = "tabs"', "[[recovery]]", "recovery takes what to ask for"),
        ("balabaqsha", 'layout = "tabs"', 'layout = "two-steps"', "identifiers =", "and nothing else"),
        ("balabaqsha", 'layout = "tabs"', 'layout = "one-field"', "[sign_in]", "sign_in.label is missing"),
        ("balabaqsha", 'ask = ["number", "iin"]', "", "[[recovery]]", "recovery takes what to ask for"),
        (
            "balabaqsha",
            'own_identifiers = ["login"',
            'own_identifiers = ["iin"',
            "own_identifiers =",
            "takes a list of some",
        ),
        (
            "balabaqsha",
            'name = "iin"\nkind = "iin"',
            'name = "iin"\nkind = "text"',
            "[[registration.fields]]",
            "the kind 'iin'",
        ),
        ("portal", 'ask = ["number"]', 'ask = ["iin"]', 'ask = ["iin"]', r"recovery\[2\].ask takes a list of some of"),
        (
            "portal",
            "code = true",
            'code = true\nperson = "register"',
            "[[registration.fields]]",
            "must ask for iin, because",
        ),
        ("portal", "remembered = 6", "remembered = 60", "remembered = 60", "password.remembered takes a whole number"),
        ("kaztranscom", f"[customers]\n{CUSTOMERS}", "", None, "customers is missing"),
        ("kaztranscom", CUSTOMERS, f'url = "http://crm"\n{CUSTOMERS}', "file =", "takes one of the two"),
        *(
            ("kaztranscom", CUSTOMERS, f'url = "http://{host}evil.example"', "url =", "customers.url takes an https")
            for host in ("localhost.", "127.0.0.1.", "localhost@")
        ),
        ("kaztranscom", 'ask = ["email", "login"]', 'ask = ["login"]', "ask =", 'recovery.1..ask must hold "email"'),
        ("balabaqsha", "[code]", '[code]\nroute = ["push:20", "sms"]', "[sign_in]", "sign_in takes no by_code"),
        ("kaztranscom", "most = 20", "most = 0", "most = 0", "users.most takes a whole number from 1"),
        ("kaztranscom", 'identifiers = ["login", "email"]', 'identifiers = ["login"]', None, 'needs|only with "email"'),
    ],
)
def test_a_slip_is_said_with_its_line(
    tmp_path: Path, profile: str, old: str, new: str, line: str | None, says: str
) -> None:
    path = variant(tmp_path, profile, {old: new})
    with pytest.raises(ConfigurationError, match=says) as refused:
        read_profile(path)
    if line is not None:
        said = re.search(rf"{profile}\.toml, line (\d+): ", str(refused.value))
        assert said, str(refused.value)
        assert line in Path(path).read_text().splitlines()[int(said[1]) - 1]


def test_the_line_is_found_below_texts_of_many_lines_and_entries_within_entries() -> None:
    first = 'a = 1\n[b]\nwords = """\nc = 2\n[d]\n"""\ne = 3\n[[f]]\ng = 4\n[f.h]\ni = 5\n'
    found = lines_of(first + "[[f]]\n[[f.j]]\n[[f.j]]\nk = { l = 6 }\n")
    assert found == {
        "a": 1,
        "b": 2,
        "b.words": 3,
        "b.e": 7,
        "f": 8,
        "f[1]": 8,
        "f[1].g": 9,
        "f[1].h": 10,
        "f[1].h.i": 11,
        "f[2]": 12,
        "f[2].j": 13,
        "f[2].j[1]": 13,
        "f[2].j[2]": 14,
        "f[2].j[2].k": 15,
    }


def test_a_profile_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"There is no profile .*sakura.toml. pushhub comes with: .*indigo"):
        read_profile("sakura")


def test_another_profile_is_another_cabinet_without_any_code(
    tmp_path: Path, make_app: Callable[..., Flask], cabinet_settings: Settings
) -> None:
    changes = {
        'slug = "indigo"': 'slug = "clinic"',
        'product = "INDIGO ed24.kz"': 'product = "Clinic"',
        'name = "INDIGO"': 'name = "EMHANA"',
        'accent = "#3f3d9e"': 'accent = "#7a1030"',
        'en = "Electronic kindergarten"': 'en = "Your clinic"',
        "min_length = 12": "min_length = 8",
        "digits = 4": "digits = 6",
    }
    clinic = variant(tmp_path, "indigo", changes)
    app = with_products(make_app(replace(cabinet_settings, cabinets=("indigo", clinic))), "indigo", clinic)
    with app.app_context():
        assert caller_of(read_profile(clinic)).policy.code_digits == 6
    browser = Browser(app)
    browser.open("/cabinet/clinic/?lang=en")
    assert "EMHANA" in browser.text
    assert "Your clinic" in browser.text
    browser.open("/cabinet/clinic/look.css")
    assert "#7a1030" in browser.text
    browser.open("/cabinet/indigo/?lang=en")
    assert "Electronic kindergarten" in browser.text


def test_two_profiles_with_one_slug_stop_the_start(
    tmp_path: Path, make_app: Callable[..., Flask], cabinet_settings: Settings
) -> None:
    with pytest.raises(ConfigurationError, match="Two profiles have the slug 'indigo'"):
        make_app(replace(cabinet_settings, cabinets=("indigo", variant(tmp_path, "indigo", {}))))


@pytest.mark.both_engines
def test_preparing_a_product_twice_changes_only_its_policy(app: Flask, tmp_path: Path) -> None:
    slower = variant(tmp_path, "indigo", {"resend_after_seconds = 60": "resend_after_seconds = 90"})
    with app.app_context():
        first, second = prepare_product(read_profile("indigo")), prepare_product(read_profile(slower))
        assert first.id == second.id
        assert caller_of(read_profile("indigo")).policy.resend_after_seconds == 90


def test_a_cabinet_without_its_product_says_so(make_app: Callable[..., Flask], cabinet_settings: Settings) -> None:
    browser = Browser(make_app(cabinet_settings))
    browser.open("/cabinet/indigo/?lang=ru")
    assert browser.send(iin="910412400016", consent__agreement="yes", consent__contact="yes").status_code == 503
    assert "Сервис сейчас не может ответить" in browser.text


def test_without_the_setting_there_is_no_cabinet(make_app: Callable[..., Flask], settings: Settings) -> None:
    assert make_app(settings).test_client().get("/cabinet/indigo/").status_code == 404


@pytest.mark.sqlite
def test_the_doctor_looks_at_cabinets_and_register(
    app: Flask, cabinet_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings_only(monkeypatch, tmp_path, least_of(cabinet_settings) | {"PUSHHUB_CABINETS": "indigo"})
    found = {finding.check: finding for finding in examine()}
    assert found["cabinet"].ok
    assert found["cabinet"].text == "/cabinet/indigo/ asks for INDIGO ed24.kz"
    assert not found["register"].ok
    monkeypatch.setenv("PUSHHUB_REGISTRY_FILE", str(cabinet_settings.registry_file))
    assert {finding.check: finding.ok for finding in examine()}["register"]
    monkeypatch.setenv("PUSHHUB_CABINETS", "sakura")
    missing = next(finding for finding in examine() if finding.check == "cabinet")
    assert not missing.ok
    assert "There is no profile" in missing.text
