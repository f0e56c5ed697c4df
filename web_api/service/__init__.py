"""For anybody: health, metrics, and the documentation of the API."""

from flask import Flask
from flask_smorest import Api

from web_api.service import documentation, health, metrics


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    metrics.observe(app)
    api.register_blueprint(health.face.blueprint)
    app.register_blueprint(metrics.pages)
    app.register_blueprint(documentation.pages)
