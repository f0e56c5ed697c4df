"""Every address says who may call it, and the parts of the project know of each other only what they should."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from demo.start.actions import from_our_origin
from mobile_api import bindings as app_bindings
from mobile_api import deliveries as app_deliveries
from mobile_api.signed import signed_by_known_device
from pushhub.http.contract import public
from pushhub.kernel.settings import Settings
from tests.support.actors import assert_problem
from tests.support.applications import MakeApp
from tests.support.databases import FakeClock
from tests.support.sources import PACKAGES, ROOT, SERVICE, modules
from web_api.cabinet import routes as cabinet
from web_api.integrators.caller import valid_api_key
from web_api.panels.visitor import valid_panel_secret

#: The guard of each blueprint: one function that refuses whoever may not call, or `public`.
GUARDS: dict[str, Callable[[], None]] = {
    **dict.fromkeys(("numbers", "offers", "verifications", "notifications", "events"), valid_api_key),
    **dict.fromkeys(("webhooks", "panels"), valid_api_key),
    "panel": valid_panel_secret,
    **dict.fromkeys(("panel_files", "app_config", "health", "metrics", "documentation", "companion"), public),
    **dict.fromkeys(("start", "welcome", "mailbox"), public),
    "app_bindings": app_bindings.face.guard,
    "app_deliveries": signed_by_known_device,
    "start_actions": from_our_origin,
    "cabinet": cabinet.sent_by_our_page,
    "cabinet_members": cabinet.signed_in_here,
    "cabinet_assets": cabinet.a_cabinet,
}
#: Blueprints that hold nothing but files and the document, with no code of ours to guard.
PLAIN = {"api-docs", "design"}
PUBLIC_OPERATIONS = {"app_config.show_config"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(params=[True, False], ids=["start page", "no start page"])
def whole(request: pytest.FixtureRequest, make_app: MakeApp, settings: Settings, now: FakeClock) -> Flask:
    return make_app(replace(settings, start_page=request.param, cabinets=("indigo",)))


def operations(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, address) of every operation of both APIs."""
    for rule in app.url_map.iter_rules():
        if re.match(r"/(mobile/|panel/)?v1/", rule.rule):
            for method in sorted((rule.methods or set()) & METHODS):
                yield rule.endpoint, method, re.sub(r"<[^>]+>", "anything", rule.rule)


@pytest.mark.sqlite
def test_every_address_belongs_to_a_blueprint_that_says_who_may_call(whole: Flask) -> None:
    for rule in whole.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        if blueprint not in PLAIN:
            assert GUARDS[blueprint] in whole.before_request_funcs.get(blueprint, []), rule.rule


@pytest.mark.sqlite
def test_a_guard_runs_before_anything_else_of_its_blueprint(whole: Flask) -> None:
    for name, guard in GUARDS.items():
        if name in whole.blueprints:
            assert whole.before_request_funcs[name][0] is guard, name


@pytest.mark.sqlite
def test_each_operation_of_binding_has_a_guard_of_its_own_and_no_other_operation_has(whole: Flask) -> None:
    guarded = {endpoint for endpoint, _, _ in operations(whole) if endpoint.startswith("app_bindings.")}
    assert set(app_bindings.face.own_guards) == guarded
    with pytest.raises(TypeError):
        app_deliveries.face.guarded(public)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}])
def test_nobody_calls_an_operation_without_credentials(whole: Flask, headers: dict[str, str]) -> None:
    called = set()
    for endpoint, method, address in operations(whole):
        response = whole.test_client().open(address, method=method, headers=headers)
        called.add(endpoint)
        if endpoint in PUBLIC_OPERATIONS:
            assert response.status_code == 200
        elif endpoint == "app_bindings.bind":  # there is no device secret yet: the proof is everything
            assert_problem(response, 401, "bad_proof")
        else:
            codes = {"/mobile": "bad_device_secret", "/panel/": "panel_over"}
            assert_problem(response, 401, codes.get(address[:7], "bad_api_key"))
            assert response.headers["WWW-Authenticate"]
    assert len(called) >= 17


@pytest.mark.sqlite
def test_the_document_says_the_same_about_who_may_call(whole: Flask) -> None:
    document = whole.test_client().get("/openapi.json").get_json()
    for path, operations_of_path in document["paths"].items():
        for method, operation in operations_of_path.items():
            if method.upper() not in METHODS:
                continue
            guarded = path.startswith(("/v1/", "/mobile/v1/", "/panel/v1/")) and path != "/mobile/v1/config"
            scheme = {"/mobile": "dpop", "/panel/": "panel_secret"}.get(path[:7], "api_key")
            assert operation.get("security", []) == ([{scheme: []}] if guarded else []), f"{method} {path}"


# What the source promises.


def imports(source: ast.AST) -> Iterator[str]:
    """The full name of everything imported: `flask.request`, `pushhub.kernel.db`."""
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (entry.name for entry in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{entry.name}" for entry in node.names)


def dotted(node: ast.AST) -> str:
    """`datetime.now` for that expression, with only the last two names."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return f"{owner}.{node.attr}"
    return ""


@pytest.mark.parametrize(
    ("package", "stranger", "except_in"),
    [
        # What else must not be is said by the contracts of import-linter, in pyproject.toml.
        ("pushhub", "tests", None),
        # These it says too, but it does not see the migrations, which are no package.
        ("pushhub", "mobile_api", None),
        ("pushhub", "web_api", None),
        ("pushhub", "demo", None),
        ("pushhub", "simulators", "pushhub/commands/"),
        ("pushhub", "reference_device", "pushhub/commands/"),
    ],
)
def test_a_package_does_not_import_what_is_none_of_its_business(
    package: str, stranger: str, except_in: str | None
) -> None:
    found = {
        path
        for path, source in modules(package)
        for name in imports(source)
        if name.partition(".")[0] == stranger and not (except_in and path.startswith(except_in))
    }
    assert found == set()


def test_no_relative_import_hides_what_a_module_depends_on() -> None:
    for path, source in modules(*PACKAGES):
        assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(source)), path


def test_the_core_knows_no_request() -> None:
    allowed = ("pushhub/http/", "pushhub/translations/")
    for path, source in modules("pushhub"):
        if not path.startswith(allowed):
            assert not {"flask.request", "flask.g", "flask.session"} & set(imports(source)), path
            assert not any(dotted(node) == "flask.request" for node in ast.walk(source)), path


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path, _ in modules(*PACKAGES)}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_only_the_clock_reads_the_systems_time() -> None:
    asking = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
    readers = {
        path
        for path, source in modules(*SERVICE)
        if {"time.time", "time.time_ns"} & set(imports(source)) or asking & {dotted(node) for node in ast.walk(source)}
    }
    assert readers == {"pushhub/kernel/clock.py"}


def test_only_a_transaction_commits() -> None:
    committing = {
        path
        for path, source in modules(*SERVICE)
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }
    assert {path for path in committing if not path.startswith("pushhub/migrations/")} == {"pushhub/kernel/db.py"}
