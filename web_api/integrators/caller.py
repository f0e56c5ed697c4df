"""Who is calling: the API key in the header `Authorization`, and what it may do."""

from __future__ import annotations

from typing import cast

from flask import g, request

from pushhub.http.contract import ApiBlueprint
from pushhub.kernel import errors
from pushhub.kernel.errors import BadApiKey
from pushhub.kernel.idempotency import Repeatable
from pushhub.products.products import Caller, recognise
from pushhub.products.rules import Scope
from web_api.integrators import quota

NO_STORE = {"Cache-Control": "no-store"}


def valid_api_key() -> None:
    """Guard: refuse whoever shows no valid API key, or sends faster than its product may."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise BadApiKey
    caller = recognise(key.strip())
    g.caller = caller
    quota.spend(caller)


def operations(name: str, import_name: str, about: str) -> ApiBlueprint:
    """What products may ask for under `/v1/<name>`, with an API key."""
    return ApiBlueprint(
        name,
        import_name,
        prefix=f"/v1/{name}",
        about=about,
        guard=valid_api_key,
        after=quota.tell,
        security=[{"api_key": []}],
        always=[errors.BadApiKey, errors.MissingScope, errors.TooManyRequests],
    )


def the_caller(scope: Scope) -> Caller:
    """The product that calls. Raises `MissingScope` where its key may not do this."""
    caller = cast(Caller, g.caller)
    caller.require(scope)
    return caller


def repeatable() -> Repeatable | None:
    """The request's Idempotency-Key with a digest of what is asked. Raises `IdempotencyKeyMalformed`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    space = "live" if cast(Caller, g.caller).live else "test"
    return Repeatable.of(key, space, request.method, request.path, request.get_data(as_text=True))


def replay_header(replayed: bool) -> dict[str, str]:
    """The header that tells a repeat that nothing new was made."""
    return {"Idempotent-Replayed": "true"} if replayed else {}
