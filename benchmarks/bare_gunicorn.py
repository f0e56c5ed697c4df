"""gunicorn for the bare endpoint: the service's own configuration without the dispatcher."""

import runpy
from pathlib import Path

_service = runpy.run_path(str(Path(__file__).resolve().parents[1] / "gunicorn.conf.py"))
# All but its hooks, which run the dispatcher, and what it imports.
_settings = {name: value for name, value in _service.items() if not name.startswith("_")}
globals().update({name: value for name, value in _settings.items() if isinstance(value, str | int | None)})
