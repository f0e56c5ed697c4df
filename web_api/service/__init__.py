"""For anybody: health, metrics, the documentation of the API, the page at `/`."""

from flask import Flask
from flask_smorest import Api

from pushhub.context import AppContext
from web_api.service import documentation, health, metrics, welcome


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    metrics.observe(app)
    api.register_blueprint(health.face.blueprint)
    app.register_blueprint(metrics.pages)
    app.register_blueprint(documentation.pages)
    parts: AppContext = app.extensions["pushhub"]
    if not parts.settings.start_page:
        app.register_blueprint(welcome.pages)
