"""The page at `/`: the whole story with a demonstration product, and the mailbox of the simulated mail server."""

from flask import Flask

from demo.start import actions, mail, pages


def register(app: Flask) -> None:
    """Add the routes of this package."""
    for blueprint in (pages.story, mail.mailbox, actions.actions):
        app.register_blueprint(blueprint)
