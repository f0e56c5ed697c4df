"""gunicorn for the bare endpoint: the service's own configuration without the dispatcher."""

import runpy
from pathlib import Path

_service = runpy.run_path(str(Path(__file__).resolve().parents[1] / "gunicorn.conf.py"))
_same = ("bind", "worker_class", "workers", "threads", "keepalive", "timeout", "accesslog", "errorlog", "loglevel")
globals().update({name: _service[name] for name in _same})
