"""What stands behind the companion app, without a browser: its parts, its versions, and what the feed tells it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask_babel import force_locale

import mobile_api
from mobile_api.companion.shell import files_of_the_shell, version_of
from mobile_api.companion.words import script_texts
from pushhub.feed.receipts import FEED_PAGE
from pushhub.kernel.clock import rfc3339
from pushhub.translations.message_texts import LOCALES
from reference_device import Refused
from tests.support.actors import NUMBER, OTHER_NUMBER, Phone, Shop, assert_problem, expect
from tests.support.bodies import NOTIFY, a_binding
from tests.support.databases import FakeClock

pytestmark = pytest.mark.both_engines  # the feed's statements


def said_by_the_worker(app: Flask, pattern: str) -> str:
    """What stands in its script where the pattern has its brackets."""
    found = re.search(pattern, app.test_client().get("/app/worker.js").get_data(as_text=True))
    assert found
    return found[1]


def version(app: Flask) -> str:
    return said_by_the_worker(app, r'VERSION = "([0-9a-f]{16})"')


def kept_files(app: Flask) -> list[str]:
    files: list[str] = json.loads(said_by_the_worker(app, r"FILES = (\[.*\]);"))
    return files


def test_the_service_worker_may_look_after_the_whole_app(app: Flask) -> None:
    answer = app.test_client().get("/app/worker.js")
    assert answer.content_type.startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/app"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_app_is_found_with_a_slash_behind_it_too(app: Flask) -> None:
    for asked, answered in (("/app/", "/app"), ("/app/?lang=kk", "/app?lang=kk")):
        answer = app.test_client().get(asked)
        assert (answer.status_code, answer.headers["Location"]) == (302, answered)


def test_everything_that_is_kept_is_there_and_no_answer_of_the_service_is(app: Flask) -> None:
    client, files = app.test_client(), kept_files(app)
    assert {"/app/own/app.js", "/app/own/feed.js", "/design/base.css"} <= set(files)
    for path in files:
        assert path.startswith(("/app/own/", "/design/"))
        with client.get(path) as answer:
            assert answer.status_code == 200, path
    assert not any("vendor" in path for path in files)


def test_every_script_that_a_kept_one_needs_is_kept(app: Flask) -> None:
    client, files = app.test_client(), set(kept_files(app))
    for path in [path for path in files if path.endswith(".js")]:
        with client.get(path) as answer:
            text = answer.get_data(as_text=True)
        for needed in re.findall(r'^import .* from "([^"]+)";', text, re.MULTILINE):
            absolute = needed if needed.startswith("/") else path.rpartition("/")[0] + needed[1:]
            assert absolute in files, f"{path} needs {absolute}"


def test_a_changed_file_or_text_is_another_version(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version(app)
    assert version(app) == before
    for language in ("kk", "en"):
        client = app.test_client()
        client.get(f"/app?lang={language}")
        assert before in client.get("/app/worker.js").get_data(as_text=True)  # it is the same for every reader
    client = app.test_client()
    pages = {language: client.get(f"/app?lang={language}").get_data(as_text=True) for language in LOCALES}
    files = files_of_the_shell()
    assert version_of(pages, files) == before
    assert version_of(pages, files[1:]) != before
    assert version_of(pages | {"kk": pages["kk"].replace("</title>", "!</title>")}, files) != before
    read = Path.read_bytes
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", lambda file: read(file) + b" " * (file.name == "feed.js"))
        assert version_of(pages, files) != before
    shown = re.search(r'id="texts">(.*?)</script>', pages["kk"])
    with app.test_request_context(), force_locale("kk"):
        assert shown
        assert json.loads(shown[1]) == script_texts()


@pytest.mark.parametrize("path", ["/app", "/app/worker.js", "/app/ru.webmanifest"])
def test_the_app_runs_nothing_from_elsewhere(app: Flask, path: str) -> None:
    policy = app.test_client().get(path).headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["manifest-src"] == rules["worker-src"] == "'self'"
    assert "unsafe" not in policy


def test_the_config_tells_how_our_qr_codes_begin(app: Flask, shop: Shop) -> None:
    config = expect(app.test_client().get("/mobile/v1/config"), 200)
    assert shop.offer()["qr"]["link"].startswith(f"{config['app_link']}/v1#")


def test_a_qr_code_of_another_host_is_told_apart_and_not_counted(shop: Shop, phone: Phone) -> None:
    link = urlsplit(shop.offer()["qr"]["link"])
    foreign = link._replace(netloc="codes.elsewhere.test").geturl()
    for _ in range(30):  # more than wrong passwords are allowed from one address
        with pytest.raises(Refused, match="qr_not_understood"):
            phone.bind(qr=foreign)
    assert phone.bind(qr=link.geturl())["binding"]["number"] == NUMBER


def test_a_qr_code_binds_only_the_number_that_was_typed_before(shop: Shop, phone: Phone) -> None:
    offer = shop.offer()
    body = a_binding(qr=offer["qr"]["link"], password=None, device={"platform": "web"})

    def bind(number: str) -> tuple[int, Any]:
        sent = phone._signed("POST", "/mobile/v1/bindings", body | {"number": number}, key=phone.key)
        return sent.status, sent.json()["binding" if sent.status == 201 else "code"]

    assert bind(OTHER_NUMBER) == (422, "offer_not_accepted")
    assert bind("12") == (422, "number_invalid")
    assert shop.show_offer(offer)["status"] == "pending"
    status, binding = bind("+7 705 754 68 68")
    assert (status, binding["number"]) == (201, NUMBER)


@pytest.mark.parametrize("more", [{"password": "703610887203"}, {"password": "703610887203", "number": NUMBER}])
def test_a_qr_code_and_a_password_are_not_sent_together(shop: Shop, phone: Phone, more: dict[str, str]) -> None:
    body = {"qr": shop.offer()["qr"]["link"], "device": {}, "consent_version": "1"} | more
    answer = phone._signed("POST", "/mobile/v1/bindings", body, key=phone.key)
    assert answer.status == 422


def test_the_feed_tells_what_became_of_a_code(shop: Shop, bound: Phone) -> None:
    asked = shop.ask()
    (item,) = bound.feed()
    assert item["code_status"] == "pending"
    assert bound.feed_changed()
    assert not bound.feed_changed()
    code = bound.read_code()
    assert shop.check(asked, code)["valid"]
    (item,) = bound.feed()
    assert item["code_status"] == "approved"

    other = shop.ask(purpose="sign_up")
    assert [entry["code_status"] for entry in bound.feed()] == ["approved", "pending"]
    shop.cancel(other)
    assert [entry["code_status"] for entry in bound.feed()] == ["approved", "cancelled"]


def test_a_code_that_was_sent_again_is_told_by_the_earlier_message(shop: Shop, bound: Phone, now: FakeClock) -> None:
    asked = shop.ask()
    (first,) = bound.feed()
    assert first["sent_again_as"] is None
    assert bound.feed_changed()

    def resend() -> None:
        now.forward(minutes=1)
        shop.resend(asked)

    resend()
    earlier, second = bound.feed()
    assert earlier["delivery_id"] == first["delivery_id"]
    assert (earlier["sent_again_as"], second["sent_again_as"]) == (second["delivery_id"], None)
    resend()
    third = bound.feed()[-1]
    # The newest of them is named by all, and an app that knows nothing of this goes on as before.
    assert [item["sent_again_as"] for item in bound.feed()] == [third["delivery_id"], third["delivery_id"], None]
    assert {item["code_status"] for item in bound.feed()} == {"pending"}
    codes = {bound.reveal(item["delivery_id"])["code"] for item in (first, second, third)}
    assert len(codes) == 1
    bound.acknowledge([first["delivery_id"]], "seen")
    assert shop.show(asked)["deliveries"][0]["status"] == "seen"
    assert shop.check(asked, codes.pop())["valid"]

    # Another code is no further sending of this one.
    shop.ask(purpose="sign_up")
    assert [item["sent_again_as"] for item in bound.feed()][2:] == [None, None]


def test_sending_again_changes_the_tag_of_a_page_that_only_the_earlier_message_is_on(
    shop: Shop, bound: Phone, now: FakeClock
) -> None:
    asked = shop.ask()
    for _ in range(FEED_PAGE - 1):
        shop.call("POST", "/v1/notifications", NOTIFY)
    before = bound._signed("GET", "/mobile/v1/feed")
    now.forward(minutes=1)
    shop.resend(asked)
    after = bound._signed("GET", "/mobile/v1/feed", headers={"If-None-Match": before.headers["etag"]})
    assert after.status == 200
    told = [item["sent_again_as"] for item in after.json()["items"]]
    assert told == [bound.feed()[-1]["delivery_id"], *[None] * (FEED_PAGE - 1)]


def test_a_code_that_was_used_changes_the_tag_of_the_page_that_it_is_on(shop: Shop, bound: Phone) -> None:
    asked = shop.ask()
    code = bound.read_code()

    def look(tag: str | None) -> tuple[int, str | None]:
        headers = {"If-None-Match": tag} if tag else {}
        answer = bound._signed("GET", "/mobile/v1/feed", headers=headers)
        return answer.status, answer.headers.get("etag")

    _, tag = look(None)
    assert look(tag) == (304, tag)
    shop.check(asked, code)
    status, changed = look(tag)
    assert (status, changed != tag) == (200, True)


@pytest.mark.parametrize(
    ("ahead", "believed"),
    [(-30, True), (0, True), (-90, False), (40, False), (-86400 * 400, False)],
)
def test_a_receipt_tells_the_phones_time_where_it_can_be_true(
    shop: Shop, bound: Phone, now: FakeClock, ahead: int, believed: bool
) -> None:
    asked = shop.ask()
    (item,) = bound.feed()
    now.forward(seconds=60)
    at = rfc3339(now() + timedelta(seconds=ahead))
    body = {"receipts": [{"delivery_id": item["delivery_id"], "event": "received", "at": at}]}
    assert bound._signed("POST", "/mobile/v1/receipts", body).status == 204
    delivery = shop.show(asked)["deliveries"][0]
    assert delivery["status"] == "received"
    assert delivery["received_at"] == (at if believed else rfc3339(now()))


def test_a_receipt_without_a_zone_is_refused(app: Flask, shop: Shop, bound: Phone) -> None:
    shop.ask()
    (item,) = bound.feed()
    body = {"receipts": [{"delivery_id": item["delivery_id"], "event": "seen", "at": "2026-11-21T10:00:00"}]}
    assert bound._signed("POST", "/mobile/v1/receipts", body).status == 422
    assert_problem(app.test_client().post("/mobile/v1/receipts", json=body), 401, "bad_device_secret")


@pytest.mark.parametrize(("language", "name"), [("kk", "Хабарламалар таспасы"), ("ru", "Лента уведомлений")])
def test_the_manifest_names_the_app_in_each_language(app: Flask, language: str, name: str) -> None:
    client = app.test_client()
    answer = client.get(f"/app/{language}.webmanifest")
    assert answer.content_type == "application/manifest+json"
    manifest = answer.get_json(force=True)
    assert manifest["name"] == name
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} == {
        (size, purpose) for size in ("192x192", "512x512") for purpose in ("any", "maskable")
    }
    for icon in manifest["icons"]:
        with client.get(icon["src"]) as picture:
            head = picture.get_data()[:24]
        assert f"{int.from_bytes(head[16:20])}x{int.from_bytes(head[20:24])}" == icon["sizes"]


def test_there_is_no_manifest_in_a_language_that_is_not_spoken(app: Flask) -> None:
    assert app.test_client().get("/app/xx.webmanifest").status_code == 404


def test_app_and_service_agree_on_what_a_full_page_of_the_feed_is() -> None:
    script = (Path(mobile_api.__file__).parent / "companion" / "static" / "feed.js").read_text()
    found = re.search(r"const FULL_PAGE = (\d+);", script)
    assert found
    assert int(found[1]) == FEED_PAGE
