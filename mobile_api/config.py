"""What the app asks before anything else."""

from __future__ import annotations

from typing import Any

from mobile_api.schemas import Config
from pushhub import clock
from pushhub.binding import consent
from pushhub.http.contract import Face, public
from pushhub.hub import hub

OLDEST_APP_VERSION = "1.0.0"

face = Face("app_config", __name__, prefix="/mobile/v1", about="What the app asks first", guard=public)


@face.operation("GET", "/config", answer=Config)
def show_config() -> dict[str, Any]:
    """Consent texts and their version, oldest app version that is served, store links, the server's time"""
    settings = hub().settings
    return {
        "consent": {"version": consent.VERSION, "texts": consent.TEXTS},
        "oldest_app_version": OLDEST_APP_VERSION,
        "stores": {"android": settings.android_store_link, "ios": settings.ios_store_link},
        "server_time": clock.now(),
        "simulated_push": settings.simulated,
    }
