"""What the app asks before anything else."""

from __future__ import annotations

from typing import Any

from mobile_api.schemas import Config
from pushhub.binding import consent
from pushhub.binding.offers import app_link
from pushhub.channels.webpush import WebPushChannel
from pushhub.context import current
from pushhub.http.contract import ApiBlueprint, public
from pushhub.kernel import clock

OLDEST_APP_VERSION = "1.0.0"

face = ApiBlueprint("app_config", __name__, prefix="/mobile/v1", about="What the app asks first", guard=public)


@face.operation("GET", "/config", answer=Config)
def show_config() -> dict[str, Any]:
    """Consent texts and their version, oldest app version that is served, store and app links, web push key, time"""
    settings = current().settings
    return {
        "consent": {"version": consent.VERSION, "texts": consent.TEXTS},
        "oldest_app_version": OLDEST_APP_VERSION,
        "app_link": app_link(settings),
        "stores": {"android": settings.android_store_link, "ios": settings.ios_store_link},
        "server_time": clock.now(),
        "webpush_key": _webpush_key(),
        "simulated_push": settings.simulated,
    }


def _webpush_key() -> str | None:
    channel = current().channels.get("webpush")
    return channel.public_key() if isinstance(channel, WebPushChannel) else None
