"""What `make run` adds to the service: prepared people, the start page, the mailbox. Production never loads it.

`python -m demo` is the local installation; `PUSHHUB_START_PAGE=true` lets `wsgi.py` serve the pages.
"""

from flask import Flask
from flask_smorest import Api

from demo.start import actions, mail, pages


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    for blueprint in (pages.story, mail.mailbox, actions.actions):
        app.register_blueprint(blueprint)
