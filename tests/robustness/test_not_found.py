"""An address at which there is nothing: people are told in words, programs by a problem document."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.actors import assert_problem

pytestmark = pytest.mark.sqlite  # no database is asked

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PLACES = ("/nowhere", "/cabinet/nowhere/", "/app/nowhere", "/app/xx.webmanifest", "/start/mail/1")


@pytest.mark.parametrize("path", PLACES)
def test_people_are_told_in_words(app: Flask, path: str) -> None:
    page = app.test_client().get(f"{path}?lang=kk", headers={"Accept": BROWSER})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Мұндай бет жоқ" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert len(page.headers.getlist("Set-Cookie")) == 1  # the language
    assert "Accept" in page.vary


@pytest.mark.parametrize("path", [*PLACES, "/v1/nowhere"])
@pytest.mark.parametrize("accepted", ["*/*", "", "application/json", "application/problem+json, text/html;q=0.5"])
def test_programs_are_told_by_a_problem_document(app: Flask, path: str, accepted: str) -> None:
    answer = app.test_client().get(path, headers={"Accept": accepted})
    assert_problem(answer, 404, "not_found")
    assert "Accept" in answer.vary


@pytest.mark.parametrize("path", ["/v1/nowhere", "/mobile/v1/nowhere", "/panel/v1/nowhere"])
def test_the_apis_speak_to_programs_alone(app: Flask, path: str) -> None:
    assert_problem(app.test_client().get(path, headers={"Accept": BROWSER}), 404, "not_found")
