"""The page at `/`: the whole story with a demonstration product, or just where the documentation is.

An installation serves the story only with `PUSHHUB_START_PAGE=true`.
"""

from flask import Flask

from pushhub.hub import Hub
from web_api.start import (
    actions,
    mail,  # noqa: F401 - adds its page
    pages,
)


def register(app: Flask) -> None:
    """Add the routes of this package."""
    parts: Hub = app.extensions["pushhub"]
    if parts.settings.start_page:
        app.register_blueprint(pages.story)
        app.register_blueprint(actions.actions)
    else:
        app.register_blueprint(pages.plain)
