"""Who is signed in to a cabinet of customers: profile, password, login and address of one's own, further users."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.cabinet import new_iin
from tests.browser.looks import every_look
from tests.browser.members import BALABAQSHA, NEW_PASSWORD, PASSWORD, Member, new_address
from tests.browser.people import Visitors
from tests.browser.service import Service

OFFICE = ("4445", "Qalam2026kz")
Come = Callable[..., Member]


@pytest.fixture
def come(service: Service, browser: Browser, visitors: Visitors) -> Come:
    """Somebody comes to a cabinet."""

    def one(**traits: object) -> Member:
        return visitors.come(Member(browser, service, **traits))  # type: ignore[arg-type]

    return one


def fill_in_user(member: Member, address: str, *, by_hand: str = "", **texts: str) -> None:
    """«Создание пользователя», up to «Сохранить»."""
    page = member.page
    page.locator("#email").fill(address)
    for name, text in texts.items():
        page.locator(f"#{name}").fill(text)
    if by_hand:
        page.locator("#password-hand").check()
        member.type_new_password(by_hand)
    else:
        page.locator("#password-made").check()
    page.locator("#save").click()


def test_the_top_shows_account_contract_and_balance(come: Come) -> None:
    member = come()
    member.sign_in(*OFFICE)
    member.is_at("feed")
    for tab in ("Мой профиль", "Пользователи", "Сеансы", "Лента событий"):
        member.go_to(tab)
        expect(member.page.locator("#top-account")).to_have_text("4445")
        expect(member.page.locator("#top-contract")).to_have_text("4445/10")
        expect(member.page.locator("#top-balance")).to_have_text(re.compile(r"^1\s425,00\s₸$"))
        expect(member.page.locator(".tabs [aria-current]")).to_have_text(tab)


def test_the_password_is_changed_in_the_profile_and_the_other_sessions_end(come: Come) -> None:
    member, elsewhere = come().has_account(), come()
    member.sign_in()
    member.is_at("feed")
    elsewhere.sign_in(member.login)
    elsewhere.is_at("feed")
    page = member.page
    member.go_to("Мой профиль")
    page.locator("#change-password").click()
    member.change_password("not the password")
    expect(page.locator("#present-problem")).to_have_text("Это не ваш текущий пароль.")
    expect(page.locator("#present")).to_be_focused()
    assert member.violations() == []
    page.locator("#present").fill(PASSWORD)
    page.locator(".secret").filter(has=page.locator("#present")).get_by_role("button").click()
    expect(page.locator("#present")).to_have_attribute("type", "text")
    page.locator("#password").fill("Dombyra55")
    expect(page.locator("#checklist li:not(.met)")).to_have_count(1)  # ten characters
    member.change_password(PASSWORD)
    expect(page.get_by_text("Пароль изменён. Все остальные сеансы завершены.")).to_be_visible()
    elsewhere.page.reload()
    expect(elsewhere.page.get_by_text("Вы не вошли, или сеанс завершён")).to_be_visible()
    elsewhere.sign_in(member.login, NEW_PASSWORD)
    elsewhere.is_at("feed")


def test_a_user_is_added_confirms_by_letter_and_chooses_a_password(come: Come) -> None:
    owner, anna, address = come().has_account(), come(), new_address()
    owner.sign_in()
    owner.go_to("Пользователи")
    expect(owner.page.get_by_text("Дополнительных пользователей пока нет.")).to_be_visible()
    owner.page.locator("#new-user").click()
    expect(owner.page.locator("#password")).to_be_visible()
    owner.page.locator("#password-made").check()
    expect(owner.page.locator("#password")).to_be_hidden()
    fill_in_user(owner, address, name="Анна", surname="Ким", position="бухгалтер")
    expect(owner.page.locator(".users tbody tr")).to_have_count(1)
    expect(owner.page.locator(".users")).to_contain_text("ждёт подтверждения")
    assert owner.violations() == []

    letter = anna.letter_to(address, "вас добавили пользователем")
    found = re.search(r"Пароль: (\S+)", letter)
    assert found
    anna.sign_in(address, found[1])
    expect(anna.page.locator("#password-problem")).to_contain_text("Неверны данные")
    anna.open_link_in(letter)
    anna.looks_well("members-confirm")
    anna.page.locator("#confirm").click()
    expect(anna.page.get_by_text("Адрес подтверждён. Войдите с ним и с паролем.")).to_be_visible()
    anna.open_link_in(letter)
    expect(anna.page.get_by_text("Эта ссылка уже использована")).to_be_visible()
    assert anna.violations() == []

    anna.sign_in(address, found[1])
    anna.is_at("profile/password")
    expect(anna.page.locator("#given")).to_be_visible()
    anna.looks_well("members-forced")
    anna.open(f"{anna.cabinet}feed")
    anna.is_at("profile/password")
    anna.change_password(found[1])
    anna.is_at("feed")
    expect(anna.page.locator("#no-number")).to_be_visible()
    expect(anna.page.get_by_role("link", name="Пользователи")).to_have_count(0)
    assert anna.violations() == []

    owner.page.reload()
    expect(owner.page.locator(".users")).to_contain_text("подтверждён")
    owner.go_to("Лента событий")
    expect(owner.page.locator(".events")).to_contain_text("Пользователь подтвердил адрес: us****@example.kz")


def test_who_may_add_users_sees_only_their_own_and_passes_them_on_when_removed(come: Come) -> None:
    owner, anna = come().has_account(), come()
    first, second = new_address(), new_address()
    owner.sign_in()
    owner.go_to("Пользователи")
    owner.page.locator("#new-user").click()
    owner.page.locator("#may_add_users").check()
    fill_in_user(owner, first, by_hand=PASSWORD)
    expect(owner.page.locator(".users")).to_contain_text("может добавлять")
    letter = anna.letter_to(first, "вас добавили пользователем")
    assert PASSWORD not in letter
    anna.open_link_in(letter)
    anna.page.locator("#confirm").click()
    anna.sign_in(first, PASSWORD)
    anna.change_password(PASSWORD)
    anna.go_to("Пользователи")
    expect(anna.page.locator(".users")).to_have_count(0)  # neither the owner nor Anna herself
    anna.page.locator("#new-user").click()
    fill_in_user(anna, second, by_hand=PASSWORD, name="Борис")
    expect(anna.page.locator(".users tbody tr")).to_have_count(1)

    page = owner.page
    page.reload()
    expect(page.locator(".users tbody tr")).to_have_count(2)
    page.get_by_role("link", name=f"Изменить {first}").click()
    page.locator("#position").fill("директор")
    page.locator("#email").fill("not an address")
    page.locator("#save").click()
    expect(page.locator("#email-problem")).to_be_visible()
    page.wait_for_load_state("load")  # its scripts have run
    page.reload()
    expect(page.locator("#email")).to_have_value(first)  # what is stored, not what was refused
    expect(page.locator("#position")).to_have_value("")
    page.locator("#position").fill("директор")
    page.locator("#save").click()
    expect(page.locator(".users")).to_contain_text("директор")
    anna.page.reload()
    expect(anna.page.locator(".users tbody tr")).to_have_count(1)  # a new position ends no session
    page.get_by_role("link", name=f"Удалить {first}").click()
    owner.looks_well("members-remove")
    page.locator("#remove").click()
    expect(page.get_by_text("Пользователь удалён.")).to_be_visible()
    expect(page.locator(".users tbody tr")).to_have_count(1)
    expect(page.locator(".users")).to_contain_text(second)
    anna.page.reload()
    expect(anna.page.get_by_text("Вы не вошли, или сеанс завершён")).to_be_visible()


def test_a_login_and_an_address_of_ones_own(come: Come) -> None:
    parent, address = come(cabinet=BALABAQSHA).has_account(iin=new_iin()), new_address()
    page, login = parent.page, address.partition("@")[0]
    parent.sign_in(by="iin")
    parent.go_to("Мой профиль")
    assert parent.violations() == []
    page.locator("#set-login").click()
    parent.save_own("login", "erlan")
    expect(page.locator("#login-problem")).to_contain_text("уже есть у другого человека")
    expect(page.locator("#login")).to_have_value("erlan")
    assert parent.violations() == []
    parent.save_own("login", login)
    expect(page.get_by_text("Логин сохранён.")).to_be_visible()

    page.locator("#set-email").click()
    parent.looks_well("members-email")
    parent.save_own("email", address)
    expect(page.get_by_text("На адрес отправлено письмо.")).to_be_visible()
    other = come(cabinet=BALABAQSHA)
    other.sign_in(address, by="email")
    expect(other.page.locator("#password-problem")).to_contain_text("Неверны данные")
    other.open_link_in(other.letter_to(address, "подтвердите ваш e-mail"))
    other.page.locator("#confirm").click()
    expect(other.page.get_by_text("Адрес подтверждён. Теперь с ним можно входить.")).to_be_visible()
    for name, by in ((address, "email"), (login, "login")):
        other.sign_in(name, by=by)
        other.is_at("feed")
        other.page.get_by_role("button", name="Выйти").click()


@every_look
def test_every_page_is_right_in_every_language_and_width(come: Come, language: str, width: int, scheme: str) -> None:
    member = come(language=language, width=width, scheme=scheme)
    member.sign_in(*OFFICE)
    member.is_at("feed")
    page, address = member.page, new_address()
    member.open(f"{member.cabinet}users/new")
    fill_in_user(member, address, by_hand=PASSWORD, name="Анна", surname="Ким-Серікбаева", position="бас бухгалтер")
    for place in ("feed", "profile", "profile/password", "users", "users/new"):
        member.open(f"{member.cabinet}{place}")
        member.looks_well(f"members-{place.replace('/', '-')}")
    member.open(f"{member.cabinet}users")
    row = page.locator(".users tbody tr").filter(has_text=address)
    row.get_by_role("link").first.click()
    expect(page.locator("#password")).to_be_hidden()
    member.looks_well("members-user")
    page.locator("#remove").click()
    member.screenshot("members-removing")
    page.locator("#remove").click()
    expect(row).to_have_count(0)
