"""The mailbox of a local installation: a letter that the service sends comes into it by itself, and its link opens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from playwright.sync_api import expect

from pushhub.app import create_app
from pushhub.cabinets.loader import read_profile
from pushhub.kernel import clock
from pushhub.kernel.db import db, transaction
from pushhub.kernel.settings import load_settings
from pushhub.mail.queue import post
from pushhub.mail.rendering import Paper, written
from pushhub.products.models import Product
from pushhub.translations.message_texts import RECOVERY_LETTER, RECOVERY_LETTER_TITLE, SET_NEW_PASSWORD, in_language
from tests.browser.looks import every_look
from tests.browser.people import Visitor
from tests.browser.service import Service


def send(service: Service, subject: str, text: str, html: str | None = None) -> None:
    """Post a letter as a cabinet does it; the running service delivers it."""
    settings = load_settings(service.settings)
    app = create_app(settings, channels={})
    with app.app_context():
        with transaction() as session:
            product_id = session.scalars(sa.select(Product.id).limit(1)).one()
            post(
                session,
                product_id=product_id,
                to="aigerim@example.kz",
                kind="test",
                subject=subject,
                text=text,
                html=html,
                valid_until=clock.now() + timedelta(minutes=5),
            )
        db.engine.dispose()


@every_look
def test_a_letter_comes_by_itself_and_its_link_opens(
    visit: Callable[..., Visitor], service: Service, language: str, width: int, scheme: str
) -> None:
    visitor = visit(f"/start/mail?lang={language}", language=language, scheme=scheme, width=width)
    assert visitor.violations() == []
    subject = f"Құпия сөзді қалпына келтіру {language} {width} {scheme}"
    send(service, subject, f"Сілтеме:\n{service.url}/app?lang={language}\n\nЖарамдылық мерзімі — 30 минут.")
    letter = visitor.page.locator(".mail").filter(has_text=subject)
    expect(letter).to_be_visible()
    expect(letter.locator("time")).not_to_contain_text("UTC")
    visitor.looks_well("mailbox")
    with visitor.context.expect_page() as opened:
        letter.get_by_role("link").click()
    assert opened.value.url == f"{service.url}/app?lang={language}"


@every_look
def test_a_letter_is_good_to_read_as_html(
    visit: Callable[..., Visitor], service: Service, language: str, width: int, scheme: str
) -> None:
    visitor = visit(f"/start/mail?lang={language}", language=language, scheme=scheme, width=width)
    password = "a  <b>&amp;1"
    said = in_language(language, RECOVERY_LETTER) + "\n\nPassword: %(password)s\nA line below it."
    link = f"{service.url}/app?lang={language}&long={'x' * 60}"
    values = {
        "cabinet": "MALAHIT",
        "minutes": "30",
        "until": "16:26 (Астана, UTC+5)",
        "link": link,
        "password": password,
    }
    title = in_language(language, RECOVERY_LETTER_TITLE) + f" {language} {width} {scheme}"
    look = read_profile("portal").look
    paper = Paper(look.accent, look.accent_deep, look.dark_accent, look.dark_accent_deep)
    letter = written(paper, language, title, said, values, {"link": in_language(language, SET_NEW_PASSWORD)})
    send(service, letter.subject, letter.text, letter.html)
    mail = visitor.page.locator(".mail").filter(has_text=letter.subject)
    with visitor.context.expect_page() as opened:
        mail.get_by_role("link", name=in_language(language, "As a mail reader shows it")).click()
    shown = opened.value
    expect(shown.get_by_role("heading", name=letter.subject)).to_be_visible()
    expect(shown.locator("html")).to_have_attribute("lang", language)
    shown.get_by_role("link", name=in_language(language, SET_NEW_PASSWORD)).click()
    expect(shown).to_have_url(link)

    # Nothing can be measured there, where no script runs; so the same once more on a page of its own.
    visitor.page.goto("about:blank")
    visitor.page.set_content(letter.html)
    assert visitor.page.locator("strong").text_content() == password
    assert visitor.widest() <= 0
    assert [found for found in visitor.violations() if not found.startswith(("landmark", "region"))] == []
    visitor.screenshot("letter")


def test_a_letter_runs_and_loads_nothing_in_the_mailbox(visit: Callable[..., Visitor], service: Service) -> None:
    visitor = visit("/start/mail?lang=ru")
    html = "<p id='p'>left alone</p><script>document.getElementById('p').textContent = 'run'</script>"
    send(service, "An evil letter", "text", html + "<img src='http://evil.test/pixel.png'>")
    mail = visitor.page.locator(".mail").filter(has_text="An evil letter")
    path = mail.get_by_role("link", name="Как в почтовой программе").get_attribute("href")
    page = visitor.context.new_page()  # what its browser complains of is wanted here
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    answer = page.goto(f"{service.url}{path}")
    assert answer is not None
    assert "sandbox" in answer.headers["content-security-policy"]
    expect(page.locator("#p")).to_have_text("left alone")
    assert asked == [f"{service.url}{path}"]
    assert page.request.get(f"{service.url}/start/mail/999999").status == 404


def test_the_start_page_leads_to_the_mailbox(visit: Callable[..., Visitor]) -> None:
    visitor = visit("/", language="ru")
    with visitor.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="Почта", exact=True).click()
    expect(opened.value.get_by_role("heading", name="Почта")).to_be_visible()
