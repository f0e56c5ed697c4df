"""The register: a file, and a service behind HTTP that may be slow, absent, or talk nonsense."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from demo.sample import FAMILY, REGISTER
from pushhub.identity.iin import Iin
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import http_json
from pushhub.kernel.errors import ConfigurationError, RegistryUnavailable
from pushhub.registry.contract import Place, RegisterAnswers, Registry, stands_under, wrong_answers
from pushhub.registry.embedded import EmbeddedRegistry
from pushhub.registry.http import HttpRegistry
from simulators.register import Register
from tests.support.logs import everything_in
from tests.support.ports import free_port

TODAY = date(2026, 11, 21)
STRANGER = "850101400005"


def iin(text: str) -> Iin:
    return Iin(text)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a secret of the register\n")
    return path


@pytest.fixture
def register(secret_file: Path) -> Iterator[Register]:
    with Register(REGISTER, secret=secret_file.read_text().strip()) as register:
        yield register


@pytest.fixture(params=["file", "http"])
def registry(request: pytest.FixtureRequest, register: Register, secret_file: Path) -> Registry:
    """Both adapters have to say the same."""
    return EmbeddedRegistry(REGISTER) if request.param == "file" else HttpRegistry(register.url, secret_file)


def test_both_adapters_know_the_same_people(registry: Registry) -> None:
    citizen = registry.citizen(iin(FAMILY.iin))
    assert citizen is not None
    assert (citizen.surname, citizen.name, citizen.patronymic) == ("Ахметова", "Айгерим", "Сериковна")
    assert (citizen.sex, citizen.born) == ("female", date(1991, 4, 12))
    child = registry.child(iin(FAMILY.child))
    assert child is not None
    assert [parent.digits for parent in child.parents] == [FAMILY.iin, FAMILY.other_parent]
    assert child.places == {Place.KINDERGARTEN}
    assert {number.e164 for number in registry.numbers_of(iin(FAMILY.iin))} == {FAMILY.number, FAMILY.new_number}
    assert registry.citizen(iin(STRANGER)) is None
    assert registry.child(iin(STRANGER)) is None
    assert registry.numbers_of(iin(STRANGER)) == frozenset()


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, ()),
        ({"certificate": " 00 1234-5678"}, ()),
        ({"second_parent": None}, ()),
        ({"child": iin(STRANGER)}, ("child",)),
        ({"certificate": "0012345679"}, ("certificate",)),
        ({"first_parent": iin(STRANGER)}, ("first_parent",)),
        ({"second_parent": iin(STRANGER)}, ("second_parent",)),
        ({"second_parent": iin(FAMILY.iin)}, ("second_parent",)),
        ({"place": Place.QUEUE}, ("place",)),
        ({"certificate": "", "place": Place.QUEUE}, ("certificate", "place")),
    ],
)
def test_answers_are_compared_one_by_one(registry: Registry, changes: dict[str, object], wrong: tuple[str]) -> None:
    answers = {
        "child": iin(FAMILY.child),
        "certificate": FAMILY.certificate,
        "first_parent": iin(FAMILY.iin),
        "second_parent": iin(FAMILY.other_parent),
        "place": Place.KINDERGARTEN,
    }
    assert wrong_answers(registry, RegisterAnswers(**(answers | changes))) == wrong  # type: ignore[arg-type]


def test_a_number_stands_under_one_iin(registry: Registry) -> None:
    assert stands_under(registry, PhoneNumber.parse(FAMILY.new_number), iin(FAMILY.iin))
    assert not stands_under(registry, PhoneNumber.parse(FAMILY.new_number), iin(FAMILY.other_parent))


def test_a_slow_register_is_given_up_after_three_seconds(
    register: Register, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http_json.TIMEOUT.total_seconds() == 3
    monkeypatch.setattr(http_json, "TIMEOUT", timedelta(seconds=0.3))
    register.delay = 20
    began = time.monotonic()
    with pytest.raises(RegistryUnavailable):
        HttpRegistry(register.url, secret_file).child(iin(FAMILY.child))
    assert 0.2 < time.monotonic() - began < 15


@pytest.mark.parametrize("status", [500, 503, 401, 302, 204])
def test_a_register_that_refuses_is_unavailable(register: Register, secret_file: Path, status: int) -> None:
    register.status = status
    with pytest.raises(RegistryUnavailable):
        HttpRegistry(register.url, secret_file).citizen(iin(FAMILY.iin))


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"iin": "1", "surname": 1}', b'{"numbers": ["call me"]}', b"\xff"]
)
def test_a_register_that_talks_nonsense_is_unavailable(register: Register, secret_file: Path, body: bytes) -> None:
    register.body = body
    registry = HttpRegistry(register.url, secret_file)
    for ask in (registry.citizen, registry.child, registry.numbers_of):
        with pytest.raises(RegistryUnavailable):
            ask(iin(FAMILY.iin))


def test_a_register_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(RegistryUnavailable):
        HttpRegistry(f"http://127.0.0.1:{free_port()}").citizen(iin(FAMILY.iin))


def test_without_its_secret_the_register_does_not_answer(register: Register) -> None:
    with pytest.raises(RegistryUnavailable):
        HttpRegistry(register.url).citizen(iin(FAMILY.iin))


def test_no_iin_and_no_secret_is_logged(
    register: Register, secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    registry = HttpRegistry(register.url, secret_file)
    registry.citizen(iin(FAMILY.iin))
    register.status = 500
    with pytest.raises(RegistryUnavailable):
        registry.citizen(iin(FAMILY.iin))
    logged = everything_in(caplog.records)
    assert "register gave no answer" in logged
    assert FAMILY.iin not in logged
    assert "a secret of the register" not in logged


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PUSHHUB_REGISTRY_SECRET"):
        HttpRegistry("http://127.0.0.1:1", tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[citizens]", "is not TOML"),
        ("[[citizens]]\nsurname = 'A'", "citizens entry 1"),
        (
            "[[citizens]]\niin='910412400017'\nsurname='A'\nname='B'\nsex='female'\nborn=1991-04-12",
            "an IIN is not right",
        ),
        ("[[citizens]]\niin='910412400016'\nsurname='A'\nname='B'\nsex='she'\nborn=1991-04-12", "male or female"),
        (
            "[[citizens]]\niin='910412400016'\nsurname='A'\nname='B'\nsex='female'\nborn=1991-04-12\nnumbers=['1']",
            "write numbers as",
        ),
        (
            "[[children]]\niin='210915600037'\ncertificate='1'\nparents=[]\nplaces=['school']",
            "'school' is not a valid Place",
        ),
        ("[[children]]\niin='210915600037'\nparents=[]", "certificate is missing"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "register.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        EmbeddedRegistry(path)
    with pytest.raises(ConfigurationError, match="can't be read"):
        EmbeddedRegistry(tmp_path / "missing.toml")
