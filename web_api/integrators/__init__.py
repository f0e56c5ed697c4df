"""The API of integrated products: `/v1`, with an API key."""

from flask_smorest import Api

from web_api.integrators import events, notifications, numbers, offers, panels, verifications, webhooks


def register(api: Api) -> None:
    """Add the routes of this package."""
    api.spec.components.security_scheme(
        "api_key",
        {"type": "http", "scheme": "bearer", "description": "`phk_live_…`, or `phk_test_…` to reach nobody."},
    )
    for part in (numbers, offers, verifications, panels, notifications, events, webhooks):
        api.register_blueprint(part.face.blueprint)
