"""What pages of products talk to: the module `/panel.js`, and `/panel/v1` with a panel's secret."""

from flask import Flask
from flask_smorest import Api

from web_api.panels import files, views


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    api.spec.components.security_scheme(
        "panel_secret",
        {"type": "http", "scheme": "bearer", "description": "`phs_…` from POST /v1/panels, in the page."},
    )
    api.register_blueprint(views.face.blueprint)
    app.register_blueprint(files.files)
