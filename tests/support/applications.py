"""Applications for tests: made once for each kind of settings, then handed from test to test as if they were new.

Making one takes longer than most tests (routes, schemas, and each statement compiled anew), and a test that changes
neither its settings nor its routes has no use for that.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache

import demo
import mobile_api
import web_api
from pushhub.app import Face, create_app
from pushhub.channels.contract import Channel
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext, attach
from pushhub.delivery.rules import TEST_CHANNEL
from pushhub.kernel.db import db
from pushhub.kernel.logs import configure_logging
from pushhub.kernel.sealing import Keyring
from pushhub.kernel.settings import Settings

#: How many kinds wait for a test that wants the like of them.
_KEPT = 12
#: How many seconds a connection may be in use after the end of a test.
_LAST_STATEMENT = 5.0
_EVENTS = ("before_cursor_execute", "after_cursor_execute", "begin", "commit", "rollback")
Kind = tuple[Settings, frozenset[str]]
MakeApp = Callable[..., Flask]


def faces_of(settings: Settings) -> list[Face]:
    """The faces with which `wsgi.py` serves an installation of these settings."""
    return [mobile_api, web_api, *([demo] if settings.start_page else [])]


@dataclass
class _Made:
    """An application, and what it was when it was new."""

    app: Flask
    engine: sa.Engine
    kind: Kind
    keyring: Keyring
    extensions: dict[str, Any]
    shape: tuple[object, ...]

    def is_as_new(self) -> bool:
        """Whether no test has given it routes, listeners or another way in."""
        return self.shape == _shape(self.app, self.engine)

    def renew(self, channels: Mapping[str, Channel]) -> None:
        """Let it remember nothing: what it recognised, what was kept beside it, which ways out it had."""
        self.app.extensions.clear()
        self.app.extensions.update({name: _own(part) for name, part in self.extensions.items()})
        ways_out = {TEST_CHANNEL: RecordingChannel(TEST_CHANNEL), **channels}
        attach(self.app, AppContext(self.kind[0], self.keyring, ways_out))


class Applications:
    """Lends applications to tests, and takes them back."""

    def __init__(self, templates: BytecodeCache) -> None:
        self._templates = templates
        self._lent: list[_Made] = []
        self._given: list[Flask] = []
        self._waiting: OrderedDict[Kind, list[_Made]] = OrderedDict()

    def lend(self, settings: Settings, channels: Mapping[str, Channel]) -> Flask:
        """An application for whoever asks, and for nobody else until `take_back`."""
        kind = (settings, frozenset(channels))
        waiting = self._waiting.get(kind)
        made = waiting.pop() if waiting else self._make(kind, channels)
        made.renew(channels)
        configure_logging(settings.log_level)
        self._lent.append(made)
        return made.app

    def give(self, settings: Settings, **options: Any) -> Flask:
        """One that only this test has, and may change."""
        self._given.append(self._create(settings, **options))
        return self._given[-1]

    def take_back(self) -> None:
        """The test is over: connections are closed, and what it had waits for the next one, but for what it changed."""
        while self._given:
            _close_connections(_engine_of(self._given.pop()))
        while self._lent:
            made = self._lent.pop()
            _close_connections(made.engine)
            if made.is_as_new():
                self._waiting.setdefault(made.kind, []).append(made)
                self._waiting.move_to_end(made.kind)
        while len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)

    def _make(self, kind: Kind, channels: Mapping[str, Channel]) -> _Made:
        app = self._create(kind[0], channels=channels)
        engine = _engine_of(app)
        keyring = app.extensions["pushhub"].keyring
        extensions = {name: _own(part) for name, part in app.extensions.items()}
        return _Made(app, engine, kind, keyring, extensions, _shape(app, engine))

    def _create(self, settings: Settings, **options: Any) -> Flask:
        app = create_app(settings, faces=faces_of(settings), **options)
        app.jinja_env.bytecode_cache = self._templates
        return app


def _engine_of(app: Flask) -> sa.Engine:
    with app.app_context():
        return db.engine


def _close_connections(engine: sa.Engine) -> None:
    """Close all connections, once those that are in use are given back: a thread of the test may be at its last
    statement, and what it gives back later nobody would close."""
    given_up = time.monotonic() + _LAST_STATEMENT
    while engine.pool.checkedout() and time.monotonic() < given_up:  # type: ignore[attr-defined]  # of a QueuePool
        time.sleep(0.01)
    engine.dispose()


def _own(part: Any) -> Any:
    """A dict is copied, so that what a test puts into it is not there for the next one."""
    return copy(part) if isinstance(part, dict) else part


def _shape(app: Flask, engine: sa.Engine) -> tuple[object, ...]:
    """What a test could change for good."""
    routes = len(list(app.url_map.iter_rules()))
    listeners = [len(list(getattr(engine.dispatch, event))) for event in _EVENTS]
    return routes, listeners, app.wsgi_app, engine
