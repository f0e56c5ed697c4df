"""The cabinets of products as people see them: one engine, and a profile for each product.

Pages keep no rule of codes or bindings: they ask the use cases that the API asks. Where somebody stands on the way
to something is kept in a flow (`pushhub.accounts.flows.flows`), not in the page.

What people do has a folder each, for views and templates alike: `signing_in`, `registration`, `recovery`, `members`.
What several of them need stands beside the folders: the request (`request_context`), blueprints and guards (`routes`),
forms and words, the proof by a code (`number_proof`), the count of wrong answers (`guess_limit`), captcha, letters,
offers and help.
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from pushhub.cabinets.loader import read_profile
from pushhub.context import AppContext
from pushhub.customers.configured import configured_customers
from pushhub.kernel.errors import ConfigurationError
from pushhub.registry.configured import configured_registry
from web_api.cabinet import routes
from web_api.cabinet.request_context import EXTENSION, Cabinet

#: The modules that hold the views; importing them adds their routes to the blueprints.
_VIEWS = (
    "captcha",
    "help",
    "offers",
    "members.confirming",
    "members.feed",
    "members.own_profile",
    "members.sessions",
    "members.top",
    "members.users",
    "recovery.by_code",
    "recovery.by_email",
    "recovery.reregistration",
    "registration.views",
    "signing_in.by_code",
    "signing_in.by_password",
    "signing_in.unlocking",
)


def register(app: Flask) -> None:
    """Add the routes of this package, if the settings name a cabinet."""
    parts: AppContext = app.extensions["pushhub"]
    if not parts.settings.cabinets:
        return
    registry = configured_registry(parts.settings)
    cabinets: dict[str, Cabinet] = {}
    for name in parts.settings.cabinets:
        profile = read_profile(name)
        if profile.slug in cabinets:
            raise ConfigurationError(f"Two profiles have the slug {profile.slug!r}. Give each its own.")
        base = profile.customers
        customers = configured_customers(base.file, base.url, base.secret_file) if base is not None else None
        cabinets[profile.slug] = Cabinet(profile, registry, customers)
    app.extensions[EXTENSION] = cabinets
    for name in _VIEWS:
        import_module(f"{__name__}.{name}")
    for blueprint in (routes.pages, routes.members, routes.assets):
        app.register_blueprint(blueprint)
