"""Whatever a program makes up from the served document, the answer is one that the document foretells.

Every second request carries real ids and numbers, so that it gets past the first refusal. As long as the source
stays the same, every run makes the same requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks

from pushhub.kernel.quotas import Quotas
from pushhub.webhooks.resolver import Resolver, use
from tests.robustness.operations import OPERATIONS
from tests.robustness.world import HOOK, SERVER, World
from tests.support.actors import NUMBER
from tests.support.bodies import FREE_NUMBER, a_binding

CHECKS = [
    *(checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance),
    *(checks.response_headers_conformance, not_a_server_error),
]
#: No right request to these succeeds while the clock stands: it is always too early to send a code again.
NEVER_YET = {"POST /v1/verifications/{verification_id}/resend", "POST /panel/v1/resend"}
#: The `next` of a reader who has read nothing yet.
FIRST_CURSOR = "ZTE6MA"
#: How many requests are made up for each operation, right ones and wrong ones.
EXAMPLES = {"standard": 10, "long": 40}
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_credentials(world: World) -> Wsgi:
    """The application, behind something that puts a key or a fresh proof on each request."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        if path.startswith("/mobile/"):
            url, method, secret = f"{SERVER}{path}", environ["REQUEST_METHOD"], world.phone.secret
            known = path != "/mobile/v1/bindings"
            environ["HTTP_DPOP"] = world.phone.key.proof(
                method, url, lambda: world.now().timestamp(), secret if known else None
            )
            environ["HTTP_AUTHORIZATION"] = f"DPoP {secret}"
        elif path.startswith("/panel/"):
            environ["HTTP_AUTHORIZATION"] = f"Bearer {world.ids['panel_secret']}"
        else:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {world.shop.key}"
        return world.app(environ, start_response)

    return call


@pytest.fixture(scope="module")
def document(world: World) -> Any:
    """The document as it is served, ready to make requests from; the quotas of look-ups and of panels hide nothing."""
    parts = world.app.extensions["pushhub"]
    parts.quotas = Quotas(lookups=1_000_000, panel_requests=1_000_000)
    use(world.app, Resolver(lambda host, port: ["8.8.8.8"]))  # no DNS is asked
    return schemathesis.openapi.from_wsgi("/openapi.json", with_credentials(world))


def operation(document: Any, name: str) -> Any:
    method, path = name.split(" ")
    return document[path][method]


def real_values(world: World, name: str) -> dict[str, Any]:
    """What makes a request one that could succeed, by the name of its field."""
    checking = name.endswith("/check")
    return {
        "number": NUMBER,
        "purpose": "confirm",
        "code": "1234",
        "offer_id": world.shop.offer(FREE_NUMBER)["id"],
        "verification_id": world.ids["pending" if checking else "unarmed"],
        "notification_id": world.ids["scheduled"],
        "to": [NUMBER, FREE_NUMBER],
        "data": {"page": "meetings/7"},
        "send_at": "2026-11-25T09:00:00Z",
        "delivery_id": world.ids["delivery"],
        "after": FIRST_CURSOR if name == "GET /v1/events" else world.ids["delivery"],
        "webhook_id": world.ids["webhook"],
        "panel_id": world.ids["panel"],
        "origin": "https://cabinet.example.kz",
        "url": HOOK,
        "receipts": [{"delivery_id": world.ids["delivery"], "event": "seen", "at": "2026-11-21T09:00:00Z"}],
    }


def made_real(world: World, name: str, case: Any) -> None:
    """Put real values into the fields that the request has."""
    if name.endswith("/bindings") and isinstance(case.body, dict):
        password = world.shop.offer(FREE_NUMBER)["password"]
        device = case.body.get("device")
        if isinstance(device, dict):
            device |= {"push_target": {"kind": "poll"}}
        case.body = a_binding(number=FREE_NUMBER, password=password) | {"device": device}
        return
    real = real_values(world, name)
    for part in ("path_parameters", "query", "body"):
        fields = getattr(case, part)
        if isinstance(fields, dict):
            setattr(case, part, {field: real.get(field, value) for field, value in fields.items()})


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_the_document_foretells(
    world: World, document: Any, name: str, mode: GenerationMode, depth: str
) -> None:
    takes = operation(document, name)
    if mode is GenerationMode.NEGATIVE and not (takes.body or takes.query or takes.path_parameters or takes.headers):
        return  # there is nothing to get wrong
    seen: list[int] = []

    @hypothesis.settings(
        max_examples=EXAMPLES[depth],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=takes.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if len(seen) % 2:
            made_real(world, name, case)
        response = case.call_and_validate(checks=CHECKS)
        seen.append(response.status_code)
        if response.status_code >= 400:
            problem = response.json()
            assert problem["code"]
            assert problem["detail"]

    ask()
    if mode is GenerationMode.POSITIVE and name not in NEVER_YET:
        assert min(seen) < 300, "only refusals were seen"


def test_the_fuzzed_operations_are_all_there_are(document: Any) -> None:
    offered = {
        f"{method.upper()} {path}"
        for path, operations in document.raw_schema["paths"].items()
        for method in operations
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert offered - {"GET /healthz", "GET /readyz"} == set(OPERATIONS)


def test_the_fuzzer_would_notice_an_answer_that_is_not_foretold(world: World, document: Any) -> None:
    case = operation(document, "GET /v1/offers/{offer_id}").Case(path_parameters={"offer_id": world.ids["used_offer"]})
    response = case.call()
    case.validate_response(response, checks=CHECKS)
    for status in (418, 500):
        response.status_code = status
        with pytest.raises(FailureGroup):
            case.validate_response(response, checks=CHECKS)
