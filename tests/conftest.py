"""What every test can ask for."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from pushhub.channels.contract import Channel
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.dispatcher.work import work_of
from pushhub.kernel import clock
from pushhub.kernel.settings import Settings, load_settings
from tests.support.actors import MakePhone, MakeShop, Phone, Shop
from tests.support.applications import Applications, MakeApp
from tests.support.databases import Database, Databases, FakeClock
from tests.support.depth import MARKERS, engines_of, sort_out
from tests.support.dispatching import Dispatch, Later, do_all_that_is_due
from tests.support.environments import PUBLIC_URL, least_settings
from tests.support.recording import Channels, recording
from tests.support.sharing import FileByFile, longest_first


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileByFile:
    """Which worker gets which tests."""
    return FileByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--depth", choices=("quick", "standard", "long"), default="standard", help="how much to look at")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_name" in metafunc.fixturenames:
        engines = engines_of(metafunc.definition, metafunc.config.getoption("depth"))
        metafunc.parametrize("engine_name", engines, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if left_out := sort_out(items, config.getoption("depth")):
        config.hook.pytest_deselected(items=left_out)
    longest_first(items)


@pytest.fixture(scope="session")
def depth(pytestconfig: pytest.Config) -> str:
    """How much this run looks at: `quick`, `standard` or `long`."""
    return str(pytestconfig.getoption("depth"))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Both engines, each started when it is first needed."""
    with Databases(tmp_path_factory.mktemp("databases")) as both:
        yield both


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same keys in every run: by them is drawn what a stranger's number looks like, and a test of strangers that
    all look alike by chance would fail."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    secret, index = (b64encode(sha256(name).digest()).decode() for name in (b"keys of the tests", b"and their index"))
    path.write_text(json.dumps({"active": "k1", "keys": {"k1": secret}, "index": index}))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine of this run of the test."""
    return str(request.param)


@pytest.fixture
def database(databases: Databases, engine_name: str) -> Iterator[Database]:
    """A migrated, empty database."""
    with databases.empty(engine_name) as database:
        yield database


@pytest.fixture
def now() -> Iterator[FakeClock]:
    """The time, which the test moves."""
    fake = FakeClock()
    with clock.use(fake):
        yield fake


@pytest.fixture
def settings(database: Database, key_file: Path) -> Settings:
    limits = {"PUSHHUB_CODES_PER_10_MINUTES": "50", "PUSHHUB_CODES_PER_DAY": "50"}
    return load_settings(least_settings(database.url, key_file) | limits)


@pytest.fixture(scope="session")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Applications:
    """Templates are compiled once, and applications made once for each kind of settings."""
    return Applications(FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates"))))


@pytest.fixture
def make_app(settings: Settings, applications: Applications) -> Iterator[MakeApp]:
    """An application, as new; its connections are closed when the test ends. A test that changes it (gives it a route,
    or another patience) asks for one with `own=True`."""
    level = logging.getLogger().level

    def make(
        settings: Settings = settings,
        *,
        channels: Mapping[str, Channel] | None = None,
        own: bool = False,
        **options: Any,
    ) -> Flask:
        if channels is None:
            channels = {name: RecordingChannel(name) for name in ("fcm", "apns", "poll", "sms", "email")}
        if not own and not options:
            return applications.lend(settings, channels)
        return applications.give(settings, channels=channels, **options)

    yield make
    applications.take_back()
    logging.getLogger().setLevel(level)


@pytest.fixture
def app(make_app: MakeApp, now: FakeClock) -> Flask:
    return make_app()


@pytest.fixture
def dispatch(app: Flask) -> Dispatch:
    """Let a dispatcher do everything that is due now."""
    return lambda: asyncio.run(do_all_that_is_due(work_of(app)))


@pytest.fixture
def later(now: FakeClock, dispatch: Dispatch) -> Later:
    """Let time pass, and then a dispatcher do everything that is due."""

    def pass_by(**amount: float) -> None:
        now.forward(**amount)
        dispatch()

    return pass_by


@pytest.fixture
def make_shop(app: Flask) -> MakeShop:
    """An integrated product with a live key."""
    return partial(Shop.new, app)


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    return make_shop()


@pytest.fixture
def make_phone(app: Flask, now: FakeClock) -> MakePhone:
    """A phone with the app just installed."""
    return partial(Phone.new, app, PUBLIC_URL, now)


@pytest.fixture
def phone(make_phone: MakePhone) -> Phone:
    return make_phone()


@pytest.fixture
def bound(shop: Shop, phone: Phone) -> Phone:
    """A phone that is bound to the number of the story."""
    phone.bind_to(shop)
    return phone


@pytest.fixture
def context(app: Flask) -> AppContext:
    """What the application is made of."""
    parts: AppContext = app.extensions["pushhub"]
    return parts


@pytest.fixture
def channel(app: Flask) -> Channels:
    """The channel of a name, which keeps what it is given."""
    return partial(recording, app)


@pytest.fixture
def fcm(channel: Channels) -> RecordingChannel:
    """The channel that stands in for FCM."""
    return channel("fcm")


@pytest.fixture
def mail(channel: Channels) -> RecordingChannel:
    """The channel that stands in for the mail server."""
    return channel("email")
