"""What `make run` adds to the service: prepared people, the start page, the mailbox. Production never loads it.

`python -m demo` is the local installation; `PUSHHUB_START_PAGE=true` lets `wsgi.py` serve the pages.
"""

from flask import Flask
from flask_smorest import Api

from demo import start


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    start.register(app)
