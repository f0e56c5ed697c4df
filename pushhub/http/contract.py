"""An operation as a contract: who may call, what goes in, what comes out, how it may be refused. The OpenAPI
document is generated from the same words, so it can't disagree with the code.

flask-smorest does the work; this gives it types and our refusals.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from flask import Flask, Request, Response, request
from flask_smorest import Api, Blueprint
from marshmallow import Schema
from webargs import missing
from webargs.flaskparser import FlaskParser

from pushhub.http.bodies import json_object
from pushhub.http.problems import MEDIA_TYPE, Problem
from pushhub.kernel.errors import (
    BodyTooLarge,
    Busy,
    DatabaseUnavailable,
    IdempotencyKeyMalformed,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedBody,
    NotFound,
    PushhubError,
    UnsupportedMediaType,
)

View = TypeVar("View", bound=Callable[..., Any])
Guard = Callable[[], None]
#: The optional header that makes a POST safe to repeat, for the document.
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Makes the request safe to repeat for 24 hours: the repeat answers with the same thing.",
}


class ContractApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest's document, with our problem documents in place of its own errors. It is written when somebody asks
    for it: that takes three times as long as all else that an application is made of."""

    ERROR_SCHEMA = Problem
    #: Every operation names its refusals itself.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        self._writing = threading.Lock()
        self._unwritten: list[Callable[[], None]] = []
        super().__init__(app)

    def describe_later(self, write: Callable[[], None]) -> None:
        """Put off what `write` adds to the document."""
        self._unwritten.append(write)

    def _openapi_json(self) -> Any:
        with self._writing:
            for write in self._unwritten:
                write()
            self._unwritten.clear()
        return super()._openapi_json()


class _Parser(FlaskParser):
    """Reads bodies by our rules."""

    def _raw_load_json(self, req: Request) -> Any:
        return json_object(req.get_data()) if req.is_json else missing


class _Blueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    ARGUMENTS_PARSER = _Parser()

    def register_views_in_doc(self, api: ContractApi, *args: Any, **named: Any) -> None:
        api.describe_later(partial(super().register_views_in_doc, api, *args, **named))


class ApiBlueprint:
    """The operations of one audience. `guard` runs before each of them and refuses whoever may not call; `public` says,
    just as plainly, that everybody may. Without one, each operation has one of its own (`guarded`), and one that was
    forgotten lets nobody in."""

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        prefix: str,
        about: str,
        guard: Guard | None,
        after: Callable[[Response], Response] | None = None,
        security: Sequence[dict[str, list[str]]] = (),
        always: Sequence[type[PushhubError]] = (),
    ) -> None:
        self.own_guards: dict[str | None, Guard] = {}
        self.guard = guard or self._own_guard
        self.blueprint = _Blueprint(name, import_name, url_prefix=prefix, description=about)
        self._security = list(security)
        self._always = tuple(always)
        self.blueprint.before_request(self.guard)
        self.blueprint.before_request(_require_json)
        if after is not None:
            self.blueprint.after_request(after)

    def operation(
        self,
        method: str,
        path: str,
        *,
        answer: type[Schema] | None,
        status: int = 200,
        also: dict[int, type[Schema]] | None = None,
        body: type[Schema] | None = None,
        query: type[Schema] | None = None,
        refuses: Sequence[type[PushhubError]] = (),
        repeatable: bool = False,
        media_type: str | None = None,
    ) -> Callable[[View], View]:
        """Declare an operation. The view gets the body, then the query, each as a dict, before its path values.
        `repeatable`: it heeds an Idempotency-Key."""
        kinds = [*self._always, *refuses]
        if repeatable:
            kinds += [IdempotencyKeyMalformed, IdempotencyKeyReused]
        if body is not None or query is not None:
            kinds += [InvalidRequest, MalformedBody, UnsupportedMediaType, BodyTooLarge]

        def declare(view: View) -> View:
            declared: Any = view
            if query is not None:
                declared = self.blueprint.arguments(query(), location="query")(declared)
            if body is not None:
                declared = self.blueprint.arguments(body(), location="json")(declared)
            for code, described in self._refusals(kinds, path):
                declared = self.blueprint.alt_response(
                    code, schema=Problem, description=described, content_type=MEDIA_TYPE
                )(declared)
            for code, schema in (also or {}).items():
                declared = self.blueprint.alt_response(code, schema=schema)(declared)
            document: dict[str, Any] = {"security": list(self._security)}
            if repeatable:
                document["parameters"] = [_IDEMPOTENCY_KEY]
            declared = self.blueprint.doc(**document)(declared)
            if answer is not None or status == 204:
                declared = self.blueprint.response(status, answer)(declared)
            else:
                content = {"content": {media_type: {"schema": {"type": "string"}}}}
                declared = self.blueprint.doc(responses={str(status): {"description": "OK", **content}})(declared)
            self.blueprint.route(path, methods=[method])(declared)
            return view

        return declare

    def guarded(self, guard: Guard) -> Callable[[View], View]:
        """Declare the guard of one operation, where there is none for all."""
        if self.guard != self._own_guard:
            raise TypeError(f"all operations of {self.blueprint.name} have one guard already")

        def declare(view: View) -> View:
            self.own_guards[f"{self.blueprint.name}.{view.__name__}"] = guard
            return view

        return declare

    def _own_guard(self) -> None:
        self.own_guards[request.endpoint]()

    def _refusals(self, kinds: Sequence[type[PushhubError]], path: str) -> list[tuple[int, str]]:
        found = [*kinds]
        if "<" in path:
            found.append(NotFound)
        if self.guard is not public:  # whoever is looked up is looked up in the database
            found += [Busy, DatabaseUnavailable]
        by_status: dict[int, list[str]] = defaultdict(list)
        for kind in dict.fromkeys(found):
            by_status[kind.status].append(kind.code)
        return [(status, f"`code`: {', '.join(codes)}") for status, codes in sorted(by_status.items())]


def public() -> None:
    """The guard of what everybody may call."""


def _require_json() -> None:
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if request.method in ("POST", "PUT", "PATCH") and has_body and not request.is_json:
        raise UnsupportedMediaType
