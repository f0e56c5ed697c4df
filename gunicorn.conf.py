"""How gunicorn serves pushhub. Everything that may differ between installations is a `PUSHHUB_*` setting."""

import os
import sys

from gunicorn.glogging import Logger

from pushhub.dispatcher.process import start_delivery, stop_delivery
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.logs import JsonFormatter
from pushhub.kernel.settings import load_settings

try:
    _settings = load_settings(os.environ)
except ConfigurationError as problem:
    sys.exit(f"pushhub can't start:\n{problem}")

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.workers
threads = _settings.threads
keepalive = 30
timeout = 60
graceful_timeout = 20
# Our own log has one line a request, with the route instead of the address: an address may hold a number.
accesslog = None
errorlog = "-"
loglevel = "warning"


class logger_class(Logger):
    """gunicorn's own lines quote requests that it can't read, and an address may hold the secret of a link: they go
    through our formatter, which hides it."""

    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())


def post_worker_init(worker):
    """Deliver inside this process, unless `pushhub dispatch` does it beside it."""
    start_delivery(worker.wsgi)


def worker_exit(server, worker):
    """On SIGTERM: claim nothing more, wait for what is under way, write what came of it."""
    stop_delivery()
