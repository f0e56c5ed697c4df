"""A forgotten password by a link in a letter, and the rule of the last passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from pushhub.accounts.flows import links
from pushhub.accounts.flows.links import LinkKind
from pushhub.accounts.letters.recovery import MOST_TO_ADDRESS
from pushhub.accounts.models import AccountLink
from pushhub.accounts.people.password_change import change_password
from pushhub.accounts.sign_in_identifiers import by_email, find_account
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.product import caller_of
from pushhub.channels.recording import RecordingChannel
from pushhub.identity.email import Email
from pushhub.kernel.db import transaction
from pushhub.kernel.settings import Settings
from pushhub.mail.models import Letter
from tests.cabinet.browser import Browser
from tests.cabinet.recovering import (
    ADDRESS,
    NEW,
    OLD,
    PORTAL,
    Dispatch,
    ask_for_letter,
    can_sign_in,
    link_in,
    set_password,
    text_of,
    writing,
)
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.logs import everything_in
from tests.support.rows import everything_stored, how_many
from tests.support.statements import statements_of


def at_once(app: Flask, link: str, *passwords: str) -> list[str]:
    """What is shown when forms that are open already are sent at the same moment."""
    browsers = [Browser(app) for _ in passwords]
    for browser in browsers:
        browser.open(f"{link}?lang=ru")

    def click(browser: Browser, password: str) -> str:
        browser.send(link, password=password, repeat=password)
        return browser.text

    with ThreadPoolExecutor(len(passwords)) as pool:
        return list(pool.map(click, browsers, passwords))


# By e-mail


@pytest.mark.both_engines
def test_a_letter_brings_a_link_and_the_link_a_new_password(
    app: Flask, browser: Browser, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    browser.open(f"{PORTAL}?lang=ru")
    assert f'href="{PORTAL}recovery"' in browser.text
    ask_for_letter(browser, "  aigerim.k@EXAMPLE.kz ")
    assert "Проверьте почту" in browser.text
    assert "ai****@example.kz" in browser.text
    dispatch()
    [letter] = mail.mail
    assert letter["To"] == ADDRESS  # as it is on file, not as it was typed
    assert letter["Subject"] == "MALAHIT: новый пароль"
    assert "действует один раз" in text_of(letter)
    assert "30 мин." in text_of(letter)

    browser.open(link_in(letter))
    assert "Новый пароль" in browser.text
    assert "Не похож ни на один из последних 6 ваших паролей" in browser.text
    browser.send(password=NEW, repeat=NEW)
    assert browser.path == PORTAL
    assert "Пароль обновлён. Войдите с новым паролем." in browser.text
    assert can_sign_in(app, NEW)
    assert not can_sign_in(app, OLD)


def test_the_letter_is_in_the_language_of_the_page(
    browser: Browser, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    for locale, subject in (("kk", "жаңа құпия сөз"), ("en", "a new password")):
        browser.open(f"{PORTAL}recovery?lang={locale}")
        browser.send(f"{PORTAL}recovery", by="email", email=ADDRESS)
        dispatch()
        assert mail.mail[-1]["Subject"] == f"MALAHIT: {subject}"


def test_an_address_that_nobody_has_gets_the_same_page_and_no_letter(
    app: Flask, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    shown = []
    for address in (ADDRESS, "Aigerim.Q@example.kz"):
        browser = Browser(app)
        ask_for_letter(browser, address)
        assert browser.status == 200
        shown.append(re.sub(r"flw_\w+|[0-9a-f]{64}|\d\d:\d\d(:\d\d)?", "…", browser.text))
    assert shown[0] == shown[1]
    dispatch()
    assert [letter["To"] for letter in mail.mail] == [ADDRESS]
    assert (how_many(app, AccountLink), how_many(app, Letter)) == (1, 1)


def test_an_address_that_nobody_has_costs_the_same_work(app: Flask, now: FakeClock) -> None:
    """The same rows are written, so that it takes as long; what is written for nobody is taken back."""
    written: dict[str, list[str]] = {}
    for address in (ADDRESS, "nobody@example.kz"):
        now.forward(seconds=10)  # so that each of them has the mail server looked at
        browser = Browser(app)
        browser.open(f"{PORTAL}recovery?by=email&lang=ru")
        with statements_of(app) as statements:
            browser.send(f"{PORTAL}recovery", by="email", email=address)
        written[address] = writing(statements)
    known, unknown = written.values()
    assert known == unknown
    assert "INSERT INTO account_links" in known
    assert "INSERT INTO letters" in known
    assert (how_many(app, AccountLink), how_many(app, Letter)) == (1, 1)


@pytest.mark.parametrize("address", ["", "aigerim", "a@b@c", "aigerim@example.kz, other@example.kz", "x" * 300])
def test_what_is_no_address_is_said_under_its_field(browser: Browser, address: str) -> None:
    ask_for_letter(browser, address)
    assert browser.status == 422
    assert ("Это не адрес e-mail" if address else "Введите e-mail.") in browser.text
    if address:
        assert f'value="{address}"' in browser.text


@pytest.mark.both_engines
def test_letters_to_one_address_are_limited_whether_or_not_it_is_known(
    browser: Browser, now: FakeClock, mail: RecordingChannel, dispatch: Dispatch
) -> None:
    for address in (ADDRESS, "nobody@example.kz"):
        for _ in range(MOST_TO_ADDRESS):
            ask_for_letter(browser, address)
            assert "Проверьте почту" in browser.text
        ask_for_letter(browser, address.upper())
        assert browser.status == 429
        assert re.search(r"Запрошено слишком много писем. Повторите попытку после \d\d:\d\d", browser.text)
    dispatch()
    assert len(mail.mail) == MOST_TO_ADDRESS
    now.forward(hours=1)
    ask_for_letter(browser)
    assert "Проверьте почту" in browser.text


def test_letters_for_one_browser_are_limited(make_app: Callable[..., Flask], app: Flask, settings: Settings) -> None:
    strict = make_app(replace(settings, cabinets=("portal",), codes_per_client_per_hour=2))
    browser = Browser(strict)
    for number in range(2):
        ask_for_letter(browser, f"nobody{number}@example.kz")
        assert "Проверьте почту" in browser.text
    ask_for_letter(browser)
    assert "Запрошено слишком много писем" in browser.text


@pytest.mark.both_engines
def test_send_again_brings_a_new_link_and_ends_the_old_one(
    browser: Browser, link: str, mail: RecordingChannel, dispatch: Dispatch, app: Flask
) -> None:
    browser.send()
    assert "Письмо отправлено ещё раз." in browser.text
    dispatch()
    newer = link_in(mail.mail[-1])
    assert newer != link
    set_password(browser, newer, repeat="Other!Pass99")
    assert "Пароли не совпадают" in browser.text
    assert browser.open(link).status_code == 410
    assert "Эта ссылка больше не действует" in browser.text
    set_password(browser, newer)
    assert can_sign_in(app, NEW)


def test_a_scanner_that_opens_the_link_does_not_use_it_up(browser: Browser, link: str, app: Flask) -> None:
    for _ in range(3):
        assert browser.client.get(link, base_url="https://codes.test").status_code == 200
        assert browser.client.head(link, base_url="https://codes.test").status_code == 200
    assert can_sign_in(app, OLD)
    set_password(browser, link)
    assert can_sign_in(app, NEW)


def test_a_link_that_was_used_says_so_and_leads_on(browser: Browser, link: str, now: FakeClock, app: Flask) -> None:
    set_password(browser, link)
    now.forward(minutes=1)
    assert browser.open(f"{link}?lang=ru").status_code == 410
    assert "Эта ссылка уже использована" in browser.text
    assert f'href="{PORTAL}recovery?by=email"' in browser.text
    browser.open(f"{PORTAL}?lang=ru")
    assert browser.send(link, password="Other!Pass99", repeat="Other!Pass99").status_code == 410
    assert can_sign_in(app, NEW)


def test_a_late_link_says_so_also_to_who_has_its_page_open(
    browser: Browser, link: str, now: FakeClock, app: Flask
) -> None:
    browser.open(f"{link}?lang=ru")
    now.forward(minutes=30)
    assert browser.send(link, password=NEW, repeat=NEW).status_code == 410
    assert "Эта ссылка больше не действует" in browser.text
    assert can_sign_in(app, OLD)


@pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 10), slice(4, None)])
def test_a_link_with_a_slip_says_so(browser: Browser, link: str, cut: slice) -> None:
    path, _, secret = link.rpartition("/")
    assert browser.open(f"{path}/{secret[cut]}?lang=ru").status_code == 404
    assert "Такой ссылки нет" in browser.text
    assert "Запросить новую ссылку" in browser.text


def test_a_link_of_one_cabinet_opens_nothing_in_another(browser: Browser, link: str, app: Flask) -> None:
    assert browser.open(link.replace("portal", "balabaqsha")).status_code == 404
    with app.app_context(), transaction() as session:
        account = find_account(caller_of(read_profile("portal")).product_id, by_email(Email.parse(ADDRESS)))
        assert account is not None
        confirmation = links.make_link(session, account.id, LinkKind.EMAIL, 30)
    assert browser.open(f"{PORTAL}link/{confirmation}").status_code == 404


def test_a_changed_password_ends_the_link(browser: Browser, link: str, app: Flask) -> None:
    with app.app_context():
        account = find_account(caller_of(read_profile("portal")).product_id, by_email(Email.parse(ADDRESS)))
        assert account is not None
        change_password(account.id, NEW, read_profile("portal").password)
    assert browser.open(link).status_code == 410


@pytest.mark.both_engines
def test_a_double_click_sets_the_password_once_and_says_so_twice(link: str, app: Flask, now: FakeClock) -> None:
    now.forward(minutes=1)
    shown = at_once(app, link, NEW, NEW, NEW)
    assert all("Пароль обновлён" in text for text in shown)
    assert can_sign_in(app, NEW)


@pytest.mark.both_engines
def test_of_two_different_passwords_at_once_one_wins_and_the_other_is_told(link: str, app: Flask) -> None:
    chosen = (NEW, "Zhuldyz@505")
    shown = at_once(app, link, *chosen)
    won = [place for place, text in enumerate(shown) if "Пароль обновлён" in text]
    assert len(won) == 1
    assert "Эта ссылка уже использована" in shown[1 - won[0]]
    assert can_sign_in(app, chosen[won[0]])
    assert not can_sign_in(app, chosen[1 - won[0]])


def test_mail_that_is_down_is_told_and_the_letter_goes_later_once(
    browser: Browser, mail: RecordingChannel, dispatch: Dispatch, now: FakeClock, app: Flask
) -> None:
    mail.away = True
    ask_for_letter(browser)
    dispatch()
    browser.open(browser.path)
    assert re.search(r'<p id="mail"[^>]*role="status"[^>]*>Почтовый сервер', browser.text)
    assert not re.search(r'<p id="mail"[^>]*hidden', browser.text)
    letter = browser.path
    assert browser.client.get(f"{letter}.json", base_url="https://codes.test").get_json() == {"mail": "delayed"}
    mail.away = False
    now.forward(minutes=3)
    dispatch()
    dispatch()
    assert len(mail.mail) == 1
    now.forward(seconds=5)
    browser.open(letter)
    assert re.search(r'<p id="mail"[^>]*hidden', browser.text)
    set_password(browser, link_in(mail.mail[0]))
    assert can_sign_in(app, NEW)


def test_a_letter_page_is_of_the_browser_that_asked(browser: Browser, another_browser: Browser) -> None:
    ask_for_letter(browser)
    another_browser.open(browser.path)
    assert another_browser.path == PORTAL
    assert another_browser.client.get(f"{browser.path}.json", base_url="https://codes.test").status_code == 404


def test_a_letter_is_no_way_to_a_code(browser: Browser, bound: Phone) -> None:
    """Who asked for a letter has not said that the code may go to the number."""
    ask_for_letter(browser)
    code_page = browser.path.removesuffix("/letter")
    browser.send(code_page, step="send")
    assert browser.path == PORTAL
    assert bound.feed() == []


def test_no_secret_of_it_stands_in_any_log_or_row(
    browser: Browser,
    mail: RecordingChannel,
    dispatch: Dispatch,
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    ask_for_letter(browser)
    rows = everything_stored(app)
    dispatch()
    link = link_in(mail.mail[-1])
    secret = link.rpartition("/")[2]
    set_password(browser, link, "weak")
    set_password(browser, link)
    browser.open(link)
    logged = "".join(capfd.readouterr()) + caplog.text + everything_in(caplog.records)
    assert rows
    for word in (secret, secret[4:], NEW, ADDRESS, ADDRESS.casefold()):
        assert word not in logged
        assert not any(word in row for row in rows)


def test_the_page_of_the_link_tells_no_other_site_of_it(browser: Browser, link: str) -> None:
    page = browser.open(link)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    outside = re.findall(r'(?:href|src|action)="(https?://[^"]+)"', browser.text)
    assert outside == []


# The rule of passwords


def test_a_password_against_the_rule_is_refused_under_its_field_and_the_link_stays(
    browser: Browser, link: str, app: Flask
) -> None:
    for password, says in (
        ("", "Придумайте пароль"),
        ("Qyran!7", "Пароль не соответствует"),
        ("qyran!tau88", "Пароль не соответствует"),
        ("QYRAN!TAU88", "Пароль не соответствует"),
        ("Qyran!Tau", "Пароль не соответствует"),
        ("QyranTau88", "Пароль не соответствует"),
        ("Қыран!Тау88", "Пароль не соответствует"),
        (OLD, "слишком похож"),
        ("Balapan#2027", "слишком похож"),
        ("B@lap4N!2099", "слишком похож"),
    ):
        set_password(browser, link, password)
        assert browser.status == 422, password
        assert says in browser.problem("password"), password
        assert not password or password not in browser.text.replace(f'value="{password}"', "")
    set_password(browser, link)
    assert can_sign_in(app, NEW)


def test_six_recoveries_later_the_first_password_is_new_again(
    browser: Browser, app: Flask, mail: RecordingChannel, dispatch: Dispatch, now: FakeClock
) -> None:
    chosen = ("Qyran!Tau88", "Jeti-Su%314", "kOKSHETAU&9", "Alma.Agash7", "Zhuldyz@505", "Dala^Zheli1", OLD)
    for password in chosen:
        now.forward(minutes=30)
        ask_for_letter(browser)
        dispatch()
        link = link_in(mail.mail[-1])
        if password != OLD:
            set_password(browser, link, OLD)
            assert "слишком похож" in browser.text
        set_password(browser, link, password)
        assert "Пароль обновлён" in browser.text
    assert can_sign_in(app, OLD)
