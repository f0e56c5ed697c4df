"""What is written about the service is what it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from pushhub.kernel.errors import PushhubError
from tests.robustness.operations import OPERATIONS
from web_api.service.documentation import all_errors

pytestmark = pytest.mark.sqlite  # no database is asked here

ROOT = Path(__file__).parent.parent


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return answer


def test_the_document_is_openapi_3_1_and_names_every_operation_of_the_contract(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert operations >= {*OPERATIONS, "GET /healthz", "GET /readyz"}


def test_every_operation_says_who_may_call_and_how_it_may_be_refused(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            assert "security" in operation, f"{method} {path}"
            assert operation["summary"], f"{method} {path}"
            if path.startswith(("/v1/", "/mobile/v1/b", "/mobile/v1/d", "/mobile/v1/f", "/mobile/v1/r")):
                assert operation["security"], f"{method} {path}"
                assert "401" in operation["responses"], f"{method} {path}"


def test_the_browsable_page_fetches_nothing_from_elsewhere(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.get_data(as_text=True))
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/")
        with client.get(address) as file:
            assert file.status_code == 200, address
    assert client.get("/docs/ui/../../wsgi.py").status_code == 404
    assert client.get("/docs/ui/LICENSE").status_code == 404


def test_every_error_is_explained_on_the_page_and_in_the_document(app: Flask) -> None:
    page = app.test_client().get("/errors").get_data(as_text=True)
    written = (ROOT / "docs" / "errors.md").read_text()
    for kind in all_errors():
        assert f'id="{kind.code}"' in page
        assert f"| `{kind.code}` | {kind.status} | {kind.text} |" in written


def test_codes_of_errors_are_distinct() -> None:
    kinds = list(all_errors())
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert PushhubError in kinds


def test_health_and_metrics_answer(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz").get_json() == {"status": "ok"}
    client.get("/v1/numbers/+77057546868")
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'route="/v1/numbers/<number>"' in metrics
    assert "pushhub_deliveries_waiting 0.0" in metrics


def test_the_project_speaks_of_itself_alone() -> None:
    machine = re.compile(r"(?<![\w.])/(work|farm|root)/|" + "shared" + r"/(MISSION|API|ARCHITECTURE)")
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT).parts
        if path.suffix in (".py", ".md", ".toml", ".html", ".js", ".css", ".cfg", ".lock") and inside[0][0] != ".":
            if inside[0] in ("var", "build") or path.name == Path(__file__).name:
                continue
            assert not machine.search(path.read_text()), path


def test_nothing_is_left_to_do_in_the_code() -> None:
    unfinished = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    for package in ("pushhub", "mobile_api", "web_api", "simulators", "reference_device"):
        for path in (ROOT / package).rglob("*.py"):
            assert not unfinished.search(path.read_text()), path
