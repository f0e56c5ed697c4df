"""A real browser on the real service, started as a user starts it: `pushhub serve --local`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.cabinet import HOME, Parent, Visit, WithPhone
from tests.browser.companion import Owner, Product, TakePhone
from tests.browser.meanwhile import change
from tests.browser.people import Visitor, Visitors
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
        change(request.getfixturevalue("service").database, "DELETE FROM limit_counters")


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
def visitors() -> Iterator[Visitors]:
    """Whoever comes in this test."""
    with Visitors() as visitors:
        yield visitors


@pytest.fixture
def visit(service: Service, browser: Browser, visitors: Visitors) -> Callable[..., Visitor]:
    """Somebody opens the start page, or another one."""

    def open_page(path: str = "/start/codes", **traits: object) -> Visitor:
        return visitors.come(Visitor(browser, service.url, **traits), path)  # type: ignore[arg-type]

    return open_page


@pytest.fixture(scope="package")
def product(service: Service) -> Product:
    """A product with which the phone's owner has an account."""
    return Product(service, "SAKURA")


@pytest.fixture
def take_phone(service: Service, browser: Browser, visitors: Visitors) -> TakePhone:
    """Somebody takes a phone and opens the app."""

    def take(path: str = "/app", *, before: str = "", browser: Browser = browser, **traits: object) -> Owner:
        traits = {"width": 390, "height": 844} | traits
        owner = visitors.come(Owner(browser, service.url, **traits))  # type: ignore[arg-type]
        if before:
            owner.context.add_init_script(before)
        owner.open(path)
        return owner

    return take


@pytest.fixture
def take_bound_phone(take_phone: TakePhone, product: Product) -> TakePhone:
    """Somebody takes a phone and binds it to this number."""

    def take(number: str, **traits: object) -> Owner:
        owner = take_phone(**traits)
        owner.bind_to(product, number)
        return owner

    return take


@pytest.fixture
def visit_cabinet(service: Service, browser: Browser, visitors: Visitors) -> Visit:
    """A parent opens the website."""

    def visit(path: str = HOME, **traits: object) -> Parent:
        return visitors.come(Parent(browser, service, **traits), path)

    return visit


@pytest.fixture
def with_phone(visit_cabinet: Visit, take_bound_phone: TakePhone) -> WithPhone:
    """A parent with an account at the website, and the phone that is bound to this number."""

    def one(number: str) -> tuple[Parent, Owner]:
        return visit_cabinet().has_account(number), take_bound_phone(number)

    return one
