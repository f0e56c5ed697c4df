"""The WSGI application, plain: `gunicorn wsgi:application`, or any other WSGI server."""

import os
import sys

import mobile_api
import web_api
from pushhub.app import Face, create_app
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.settings import load_settings

try:
    settings = load_settings(os.environ)
    faces: list[Face] = [mobile_api, web_api]
    if settings.start_page:
        try:
            import demo  # here, for production never loads it
        except ImportError:
            raise ConfigurationError(
                "PUSHHUB_START_PAGE needs the package demo. Install it, or set it to false."
            ) from None
        faces.append(demo)
    application = create_app(settings, faces=faces)
except ConfigurationError as problem:
    sys.exit(f"pushhub can't start:\n{problem}")
