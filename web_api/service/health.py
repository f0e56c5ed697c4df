"""Is it alive, and can it be used?"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from pushhub.dispatcher.readiness import OK, readiness
from pushhub.http.contract import ApiBlueprint, public


class Alive(Schema):
    status = fields.String(required=True)


class Readiness(Schema):
    status = fields.String(required=True)
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "`ok`, or what is wrong, for database, migrations and dispatcher."},
    )


face = ApiBlueprint("health", __name__, prefix="", about="Health", guard=public)


@face.operation("GET", "/healthz", answer=Alive)
def alive() -> dict[str, str]:
    """Whether the process answers at all"""
    return {"status": "ok"}


@face.operation("GET", "/readyz", answer=Readiness, also={503: Readiness})
def ready() -> tuple[dict[str, Any], int]:
    """Whether it can be used: database reachable and migrated, a dispatcher seen in the last 20 seconds"""
    checks = readiness()
    usable = all(finding == OK for finding in checks.values())
    return {"status": "ok" if usable else "unavailable", "checks": checks}, 200 if usable else 503
