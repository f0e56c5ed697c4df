"""The WSGI application, plain: `gunicorn wsgi:application`, or any other WSGI server."""

import os
import sys

import mobile_api
import web_api
from pushhub.app import create_app
from pushhub.errors import ConfigurationError
from pushhub.settings import load_settings

try:
    application = create_app(load_settings(os.environ), faces=(mobile_api, web_api))
except ConfigurationError as problem:
    sys.exit(f"pushhub can't start:\n{problem}")
