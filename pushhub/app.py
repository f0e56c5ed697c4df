"""The one place that wires everything together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from flask import Flask
from flask_migrate import Migrate
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from pushhub import __version__
from pushhub.channels.configured import configured_channels
from pushhub.channels.contract import Channel
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext, attach
from pushhub.delivery.rules import TEST_CHANNEL
from pushhub.http.contract import ContractApi
from pushhub.http.design import design
from pushhub.http.not_found import not_found
from pushhub.http.problems import register_error_handlers
from pushhub.kernel.db import db
from pushhub.kernel.engine import USUAL_PATIENCE, Patience, engine_options, prepare_engine
from pushhub.kernel.logs import configure_logging
from pushhub.kernel.sealing import load_keyring
from pushhub.kernel.settings import Settings
from pushhub.migrations import DIRECTORY as MIGRATIONS
from pushhub.migrations import model_registry  # noqa: F401 - completes the metadata
from pushhub.translations import speak_languages

LARGEST_BODY = 64 * 1024


class Face(Protocol):
    """A package that adds its routes: `mobile_api`, `web_api`."""

    def register(self, app: Flask, api: Api) -> None: ...


class Application(Flask):
    """Flask without what this service has no use for."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook is a coroutine, so none of the twenty functions of a request has to be asked."""
        return func


def create_app(
    settings: Settings,
    *,
    faces: Iterable[Face] = (),
    channels: Mapping[str, Channel] | None = None,
    patience: Patience = USUAL_PATIENCE,
) -> Flask:
    """An application for `settings`.

    Args:
        faces: the packages whose routes it serves; none for a process that only delivers.
        channels: ways out to use in place of the configured ones.
        patience: how long it waits for its database.

    Raises `ConfigurationError` where keys or provider credentials can't be used.
    """
    configure_logging(settings.log_level)
    app = Application("pushhub", static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url, patience),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        API_TITLE="pushhub",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    ways_out = dict(channels if channels is not None else configured_channels(settings))
    ways_out.setdefault(TEST_CHANNEL, RecordingChannel(TEST_CHANNEL))
    attach(app, AppContext(settings, load_keyring(settings.key_file), ways_out))
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    with app.app_context():
        prepare_engine(db.engine, patience)
    speak_languages(app)
    app.register_blueprint(design)
    api = ContractApi(app)
    for face in faces:
        face.register(app, api)
    register_error_handlers(app)
    app.register_error_handler(404, not_found)
    return app
