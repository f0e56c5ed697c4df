"""What products, operators and everybody else reach: the code-delivery API, health, documentation, pages."""

from flask import Flask
from flask_smorest import Api

from web_api import cabinet, integrators, panels, service


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    integrators.register(api)
    panels.register(app, api)
    service.register(app, api)
    cabinet.register(app)
