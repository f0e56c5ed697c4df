"""The HTML of a letter: the same words as its text, nothing that was typed at work in it, links as buttons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from pushhub.accounts.letters import recovery, users
from pushhub.accounts.letters.sender import LetterWording, composed
from pushhub.channels.recording import RecordingChannel
from pushhub.kernel import clock
from pushhub.mail.content import Content
from pushhub.mail.rendering import Button, Fact, LetterLine, Paper, Paragraph, Written, blocks_of, written
from pushhub.translations.message_texts import LOCALES
from tests.cabinet.owners import a_sender
from tests.mail.conftest import ADDRESS, SUBJECT, TEXT, Desk

PAPER = Paper("#0b6b63", "#084f49", "#4fc4b6", "#7bdacd")
LINK = "https://codes.test/cabinet/portal/link/phl_abc"
MESSAGES = (
    recovery.RECOVERY,
    users.MAILED,
    users.TOLD,
    users.STAYS,
    users.PASSWORD_GIVEN,
    users.CONFIRM,
    users.CHANGED,
    users.REGISTERED,
    users.PASSWORD_CHANGED,
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=https://evil.test/x onerror=alert(1)>',
    "Айгерим\n\nhttps://evil.test/\n\n%(link)s",
    "a\u2028https://evil.test/",
    "%(password)s %s {{ 7*7 }}",
    "'; }</style><b>",
)


class Reader(HTMLParser):
    """What a page holds: its elements, and its words as somebody reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._unread = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._unread += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.said.append(data)

    @property
    def words(self) -> list[str]:
        return "".join(self.said).split()

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def compose(message: LetterWording, locale: str, *, cabinet: str = "MALAHIT", **changes: str) -> Written:
    """A letter as it would be posted."""
    now = clock.now()
    sender = a_sender(uuid4(), cabinet, locale)
    values = {"link": LINK, "minutes": "30", "days": "3", "until": sender.hour(now), "moment": sender.moment(now)}
    values |= {"email": "anna@example.kz", "login": "4445", "password": "Qalam 2026  kz", "names": "44****"}
    return composed(sender, message, **(values | changes))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message.kind}-{len(message.parts)}")
def test_text_and_html_say_the_same_in_every_language(message: LetterWording, locale: str) -> None:
    letter = compose(message, locale)
    page = Reader(letter.html)
    assert ("html", {"lang": locale}) in page.elements
    # Every word of the text is there, in its order; what comes in addition are the subject and the buttons' words.
    read = iter(word.rstrip(":") for word in page.words)
    assert [word for word in letter.text.split() if word.rstrip(":") not in read] == []
    addresses = re.findall(r"https?://\S+", letter.text)
    assert page.links == [address for address in addresses for _ in range(2)]
    assert letter.subject in letter.html


def test_every_kind_of_letter_is_looked_at_here() -> None:
    known = {message.kind for message in MESSAGES}
    assert known == {
        "recovery_link",
        "user_added",
        "password_given",
        "confirm_email",
        "email_changed",
        "welcome",
        "password_changed",
    }


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("field", ["cabinet", "email", "password", "login"])
def test_nothing_that_was_typed_is_at_work_in_a_letter(field: str, evil: str) -> None:
    for message in MESSAGES:
        for locale in LOCALES:
            plain, letter = compose(message, locale), compose(message, locale, **{field: evil})
            page, usual = Reader(letter.html), Reader(plain.html)
            assert page.elements == usual.elements  # no element more, no attribute another, no link elsewhere
            assert len(letter.text.splitlines()) == len(plain.text.splitlines())
            if evil.startswith("<script>") and f"%({field})s" in "".join(message.parts):
                assert evil in " ".join(page.words)  # it is shown as what it is


def test_a_letter_fetches_nothing_and_runs_nothing() -> None:
    for message in MESSAGES:
        page = Reader(compose(message, "ru").html)
        assert page.names <= {"html", "head", "meta", "title", "style", "body", "div", "h1", "p", "a", "br", "strong"}
        for _, attributes in page.elements:
            assert not {"src", "background", "action"} & set(attributes)
            assert not any(name.startswith("on") for name in attributes)
        style = re.search(r"<style>(.*?)</style>", compose(message, "ru").html, re.DOTALL)
        assert style
        assert "prefers-color-scheme: dark" in style[1]
        assert "url(" not in compose(message, "ru").html
        assert "@import" not in style[1]


def test_lines_are_what_their_template_says() -> None:
    template = (
        "Good day, %(name)s.\n\nSign in: %(entrance)s\nUser name: %(name)s\n"
        "Once, for %(days)s days:\n%(link)s\n\nEnd 100%%"
    )
    values = {"name": "Sign in: %(link)s", "entrance": "https://a.test/", "link": LINK, "days": "3"}
    assert list(blocks_of(template, values, {"entrance": None, "link": "Confirm"})) == [
        Paragraph((LetterLine("Good day, Sign in: %(link)s."),)),
        Button("Sign in", "https://a.test/"),
        Paragraph((Fact("User name", "Sign in: %(link)s"), LetterLine("Once, for 3 days:"))),
        Button("Confirm", LINK),
        Paragraph((LetterLine("End 100%"),)),
    ]


def test_the_colours_are_those_of_the_cabinet_by_day_and_in_the_dark() -> None:
    html = written(PAPER, "kk", "Т", "%(link)s", {"link": LINK}, {"link": "Ашу"}).html
    assert "border-top:4px solid #0b6b63" in html
    assert re.search(r'class="button"[^>]*background:#0b6b63', html)
    assert ".button { background: #4fc4b6 !important" in html


def test_a_mail_reader_gets_both_and_takes_the_html_last(
    desk: Desk, mail: RecordingChannel, dispatch: Callable[[], None]
) -> None:
    desk.post(html="<!doctype html><html lang='kk'><p>Құпия сөз: Ү&lt;b&gt;</p></html>")
    dispatch()
    [sent] = mail.mail
    assert sent.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]
    plain, html = (part.get_content() for part in sent.iter_parts())
    assert plain.strip() == TEXT
    assert "Құпия сөз: Ү&lt;b&gt;" in html
    assert all(len(line) < 999 for line in sent.as_bytes().splitlines())
    assert sent.as_bytes().isascii()


def test_a_letter_that_waits_since_before_goes_as_text_and_one_of_a_later_release_goes_too(
    desk: Desk, mail: RecordingChannel
) -> None:
    before = Content.from_json(json.dumps({"to": ADDRESS, "subject": SUBJECT, "text": TEXT}))
    assert before.html is None
    assert b"multipart" not in before.written(uuid4(), mail.sender)
    later = {"to": ADDRESS, "subject": SUBJECT, "text": TEXT, "html": "<p>", "calendar": "BEGIN:VCALENDAR"}
    assert Content.from_json(json.dumps(later)) == replace(before, html="<p>")


@pytest.mark.parametrize(
    ("zone", "dated", "said"),
    [
        ("Asia/Almaty", False, "01:26 (Астана, UTC+5)"),
        ("Asia/Almaty", True, "2026.11.22 01:26 (Астана, UTC+5)"),
        ("Asia/Kolkata", False, "01:56 (Астана, UTC+5:30)"),
        ("America/St_Johns", False, "16:56 (Астана, UTC-3:30)"),
        ("UTC", False, "20:26 (Астана, UTC)"),
        ("Europe/Lisbon", True, "2026.11.21 20:26 (Астана, UTC)"),
    ],
)
def test_a_time_is_told_with_its_zone(zone: str, dated: bool, said: str) -> None:
    moment = datetime(2026, 11, 21, 20, 26, tzinfo=UTC)
    assert clock.wall_clock(moment, ZoneInfo(zone), "Астана", dated=dated) == said
    summer = clock.wall_clock(moment + timedelta(days=180), ZoneInfo("Europe/Lisbon"), "Лиссабон")
    assert summer == "21:26 (Лиссабон, UTC+1)"
