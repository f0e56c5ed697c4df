"""A real browser on the real service, started as a user starts it: `pushhub serve --local`."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.cabinet import HOME, Parent
from tests.browser.companion import Owner, Product
from tests.browser.people import Visitor
from tests.browser.service import Service, running

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NO_CHROMIUM = (
    "These tests need Chromium. Install it (Debian, Ubuntu: `apt-get install chromium`), or name one with "
    "CHROMIUM=/path/to/chromium."
)
_WHOLE = ("chromium", "chromium-browser")
#: The same engine without windows around the pages: a page costs it a third. It shows no notifications.
_WITHOUT_WINDOWS = ("chromium-headless-shell", *_WHOLE)


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("installation")) as service:
        yield service


@pytest.fixture(autouse=True)
def fresh_limits(request: pytest.FixtureRequest) -> None:
    """Every story comes from one network address: what one has used up of its limits, the next has not."""
    if "service" in request.fixturenames:
        database = request.getfixturevalue("service").database
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.execute("DELETE FROM limit_counters")


@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start a Chromium, with further arguments if a test needs some: the whole one, or the one without windows."""
    # Not for the whole session: while it is open, its event loop is in the way of tests that run one themselves.
    with sync_playwright() as playwright:

        def start(*further: str, whole: bool = False, profile: Path | None = None) -> Browser | BrowserContext:
            how = {"executable_path": _executable(whole), "headless": True, "args": [*_ARGUMENTS, *further]}
            if profile is not None:
                return playwright.chromium.launch_persistent_context(profile, **how)  # type: ignore[arg-type]
            return playwright.chromium.launch(**how)  # type: ignore[arg-type]

        yield start  # type: ignore[misc]


def _executable(whole: bool) -> str:
    names = _WHOLE if whole else _WITHOUT_WINDOWS
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(_NO_CHROMIUM, pytrace=False)
    return found


@pytest.fixture(scope="package")
def browser(launch: Callable[..., Browser], depth: str) -> Iterator[Browser]:
    browser = launch(whole=depth == "long")
    yield browser
    browser.close()


@pytest.fixture
def whole_browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """For what a browser without windows does not do."""
    browser = launch(whole=True)
    yield browser
    browser.close()


@pytest.fixture
def visit(service: Service, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Somebody opens the start page, or another one. At the end nothing may have gone wrong in the browser."""
    visitors: list[Visitor] = []

    def open_page(path: str = "/start/codes", **traits: object) -> Visitor:
        visitor = Visitor(browser, service.url, **traits)  # type: ignore[arg-type]
        visitors.append(visitor)
        visitor.open(path)
        return visitor

    yield open_page
    for visitor in visitors:
        visitor.leave()


@pytest.fixture(scope="package")
def product(service: Service) -> Product:
    """A product with which the phone's owner has an account."""
    return Product(service, "SAKURA")


@pytest.fixture
def take_phone(service: Service, browser: Browser) -> Iterator[Callable[..., Owner]]:
    """Somebody takes a phone and opens the app. At the end nothing may have gone wrong in it."""
    owners: list[Owner] = []

    def take(path: str = "/app", *, before: str = "", browser: Browser = browser, **traits: object) -> Owner:
        traits = {"width": 390, "height": 844} | traits
        owner = Owner(browser, service.url, **traits)  # type: ignore[arg-type]
        owners.append(owner)
        if before:
            owner.context.add_init_script(before)
        owner.open(path)
        return owner

    yield take
    for owner in owners:
        owner.leave()


@pytest.fixture
def visit_cabinet(service: Service, browser: Browser) -> Iterator[Callable[..., Parent]]:
    """A parent opens the website. At the end nothing may have gone wrong in the browser."""
    parents: list[Parent] = []

    def visit(path: str = HOME, **traits: object) -> Parent:
        parent = Parent(browser, service, **traits)
        parents.append(parent)
        parent.open(path)
        return parent

    yield visit
    for parent in parents:
        parent.leave()
