"""The companion app when a new version of it comes out."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.companion import Owner, wait_for_worker
from tests.browser.people import Visitors
from tests.browser.service import Service


@pytest.fixture
def front(service: Service) -> Iterator[Front]:
    with Front(service.url) as front:
        yield front


@pytest.fixture
def owner(browser: Browser, front: Front, visitors: Visitors) -> Owner:
    """Somebody with the app that the front has."""
    owner = visitors.come(Owner(browser, front.url, width=390, height=844), "/app")
    wait_for_worker(owner.page)
    return owner


def test_a_new_version_waits_for_a_good_moment_and_then_takes_over(owner: Owner, front: Front) -> None:
    page = owner.page
    page.reload()
    first = kept_versions(page)
    assert len(first) == 1

    front.edition = "second"
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration('/app')).update()")
    expect(page.locator("#update")).to_be_visible()
    assert page.locator("html").get_attribute("data-edition") == "first"  # what is open stays as it is
    page.reload()
    expect(page.locator("#update")).to_be_visible()
    assert page.locator("html").get_attribute("data-edition") == "first"
    page.locator("#update-now").click()
    expect(page.locator("html")).to_have_attribute("data-edition", "second")
    expect(page.locator("#number")).to_be_visible()
    page.wait_for_function("async () => (await caches.keys()).filter((name) => !name.endsWith('choices')).length === 1")
    assert kept_versions(page) != first


def test_a_version_that_another_window_took_waits_until_the_binding_is_done(owner: Owner, front: Front) -> None:
    page = owner.page
    other = owner.new_page()
    other.goto(f"{front.url}/app")
    wait_for_worker(other)
    page.bring_to_front()
    owner.type_number("+77051114407")
    page.locator("#password").fill("000 000 000")

    front.edition = "second"
    other.evaluate("async () => (await navigator.serviceWorker.getRegistration('/app')).update()")
    other.locator("#update-now").click()
    expect(other.locator("html")).to_have_attribute("data-edition", "second")
    other.close()
    expect(page.locator("#update")).to_be_visible()
    expect(page.locator("#password")).to_have_value("000 000 000")

    # The service that this phone is bound by knows the app under another address; its answers are played.
    page.route("**/mobile/v1/**", _as_for_a_bound_phone)
    owner.type_password("000000000001")
    expect(page.locator("#bound-number")).to_have_text("+7 (705) 111-44-07")
    expect(page.locator("html")).to_have_attribute("data-edition", "first")
    page.locator("#bound-continue").click()
    expect(page.locator("#feed-number")).to_have_text("+7 (705) 111-44-07")
    expect(page.locator("html")).to_have_attribute("data-edition", "second")
    expect(page.locator("#update")).to_be_hidden()


def _as_for_a_bound_phone(route: Route) -> None:
    day = "2026-01-01T00:00:00Z"
    binding = {"number": "+77051114407", "bound_at": day, "rebind_allowed_at": day}
    answers = {
        "bindings": {"binding": binding, "device": {"secret": "secret"}},
        "binding": {"bound": True, "binding": binding, "ended": None},
        "feed": {"items": [], "next": None},
        "device": {},
    }
    name = urlsplit(route.request.url).path.rpartition("/")[2]
    if name in answers:
        route.fulfill(json=answers[name])
    else:
        route.fallback()


def test_a_version_that_is_not_whole_is_not_taken(owner: Owner, front: Front) -> None:
    page = owner.page
    before = kept_versions(page)
    front.edition, front.broken = "second", "/app/own/feed.js"
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration('/app')).update().catch(() => 0)")
    page.wait_for_function("async () => !(await navigator.serviceWorker.getRegistration('/app')).installing")
    expect(page.locator("#update")).to_be_hidden()
    page.reload()
    assert page.locator("html").get_attribute("data-edition") == "first"
    assert set(before) <= set(kept_versions(page))
    owner.complaints.clear()  # of the file that the service did not give


def kept_versions(page: Page) -> list[str]:
    names: list[str] = page.evaluate("() => caches.keys()")
    return [name for name in names if re.fullmatch(r"pushhub-app-[0-9a-z]{16,}", name)]


class Front:
    """The service behind another address, where the app can come out in another edition."""

    def __init__(self, behind: str) -> None:
        self.edition = "first"
        self.broken: str | None = None
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, headers, body = front.fetch(behind + self.path, self.headers.get("Cookie", ""))
                self.send_response(status)
                for name in ("Content-Language", "Service-Worker-Allowed", "Content-Security-Policy", "Cache-Control"):
                    if headers.get(name):
                        self.send_header(name, headers[name])
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fetch(self, url: str, cookie: str) -> tuple[int, str, dict[str, str], bytes]:
        path = url.partition("?")[0].partition("://")[2].partition("/")[2]
        if self.broken == f"/{path}":
            return 500, "text/plain", {}, b""
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie}), timeout=10) as answer:
            kind, headers, body = answer.headers["Content-Type"], dict(answer.headers), answer.read()
        if path == "app":
            body = body.replace(b"<html ", f'<html data-edition="{self.edition}" '.encode(), 1)
        if path == "app/worker.js" and self.edition != "first":
            body = re.sub(rb'VERSION = "(\w+)"', rf'VERSION = "\1{self.edition}"'.encode(), body, count=1)
        return 200, kind, headers, body

    def __enter__(self) -> Front:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
