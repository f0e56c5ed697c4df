"""Every request of a device is signed by its own key (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from reference_device import DeviceKey
from tests.support.actors import NUMBER, Phone, Shop, assert_problem
from tests.support.bodies import a_binding
from tests.support.databases import FakeClock
from tests.support.environments import PUBLIC_URL

pytestmark = pytest.mark.both_engines  # a used proof is a row that stands once

URL = f"{PUBLIC_URL}/mobile/v1/binding"
PATH = "/mobile/v1/binding"


@pytest.fixture
def get(app: Flask, bound: Phone) -> Callable[..., Any]:
    client = app.test_client()

    def send(proof: str | None, secret: str | None = None, path: str = PATH, method: str = "GET") -> Any:
        headers = {"Authorization": f"DPoP {secret or bound.secret}"}
        if proof is not None:
            headers["DPoP"] = proof
        return client.open(path, method=method, headers=headers)

    return send


def proof_of(phone: Phone, **changes: Any) -> str:
    method, url = changes.pop("method", "GET"), changes.pop("url", URL)
    return phone.key.proof(method, url, changes.pop("now", phone.now), changes.pop("secret", phone.secret))


def test_a_signed_request_is_answered(get: Callable[..., Any], bound: Phone) -> None:
    assert get(proof_of(bound)).status_code == 200


def test_no_proof_is_refused(get: Callable[..., Any]) -> None:
    assert_problem(get(None), 401, "bad_proof")


def test_a_replayed_proof_is_refused(get: Callable[..., Any], bound: Phone) -> None:
    proof = proof_of(bound)
    assert get(proof).status_code == 200
    replayed = get(proof)
    assert "used before" in assert_problem(replayed, 401, "bad_proof")["detail"]
    assert replayed.headers["WWW-Authenticate"] == 'DPoP algs="ES256"'


@pytest.mark.parametrize(("off", "status"), [(-60, 200), (60, 200), (-61, 401), (61, 401), (-86400, 401)])
def test_the_phones_clock_may_be_a_minute_off(
    get: Callable[..., Any], bound: Phone, now: FakeClock, off: int, status: int
) -> None:
    answer = get(proof_of(bound, now=lambda: now().timestamp() + off))
    assert answer.status_code == status
    if status == 401:
        assert assert_problem(answer, 401, "bad_proof")["server_time"] == "2026-11-21T09:00:00.000Z"


def test_a_proof_for_another_method_or_address_is_refused(get: Callable[..., Any], bound: Phone) -> None:
    for changes in ({"method": "DELETE"}, {"url": f"{PUBLIC_URL}/mobile/v1/feed"}, {"url": f"https://evil.test{PATH}"}):
        assert_problem(get(proof_of(bound, **changes)), 401, "bad_proof")


def test_the_host_header_does_not_decide_what_our_address_is(app: Flask, bound: Phone) -> None:
    # Somebody who got a proof made for his own server passes it on, with his server's name.
    headers = {
        "Authorization": f"DPoP {bound.secret}",
        "DPoP": proof_of(bound, url=f"https://evil.test{PATH}"),
        "Host": "evil.test",
    }
    assert_problem(app.test_client().get(PATH, headers=headers), 401, "bad_proof")


def test_a_stolen_secret_without_the_key_is_worthless(get: Callable[..., Any], bound: Phone) -> None:
    thief = DeviceKey.generate()
    assert_problem(get(thief.proof("GET", URL, bound.now, bound.secret)), 401, "bad_device_secret")


def test_a_proof_is_tied_to_the_secret(get: Callable[..., Any], bound: Phone) -> None:
    assert_problem(get(proof_of(bound, secret="phd_another")), 401, "bad_proof")
    assert_problem(get(proof_of(bound, secret=None)), 401, "bad_proof")


def test_an_unknown_secret_is_refused(get: Callable[..., Any], bound: Phone) -> None:
    assert_problem(get(proof_of(bound, secret="phd_unknown"), secret="phd_unknown"), 401, "bad_device_secret")


def test_a_request_without_a_secret_is_refused(app: Flask, bound: Phone) -> None:
    assert_problem(app.test_client().get(PATH, headers={"DPoP": proof_of(bound)}), 401, "bad_device_secret")


def claims_for(phone: Phone) -> dict[str, Any]:
    digest = hashlib.sha256((phone.secret or "").encode()).digest()
    return {
        "htm": "GET",
        "htu": URL,
        "iat": int(phone.now()),
        "jti": "0123456789abcdef",
        "ath": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }


def forged(kind: str, phone: Phone) -> str:
    """Proofs that a careless checker would take."""
    key, claims = ECKey.generate_key("P-256"), claims_for(phone)
    header: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    altered: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "signed by another key than the one it names": (
            header | {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
            claims,
        ),
        "names a private key": (header | {"jwk": key.as_dict(private=True)}, claims),
        "has no typ": (without(header, "typ"), claims),
        "has no key": (without(header, "jwk"), claims),
        "has no jti": (header, without(claims, "jti")),
        "has no iat": (header, without(claims, "iat")),
        "has an iat that is text": (header, claims | {"iat": str(claims["iat"])}),
    }
    if kind in altered:
        changed_header, changed_claims = altered[kind]
        return jwt.encode(changed_header, changed_claims, key, ["ES256"])
    if kind == "is unsigned":
        return jwt.encode(header, claims, key, ["ES256"]).rpartition(".")[0] + "."
    garbage = {"is not a JWT": "not.a.jwt", "is far too long": "a" * 5000, "is empty": ""}
    return garbage[kind] if kind in garbage else other_algorithm(kind, header, claims)


def other_algorithm(kind: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Right in everything but the algorithm."""
    keys: dict[str, tuple[str, Any]] = {
        "names another curve": ("ES384", ECKey.generate_key("P-384")),
        "is an RSA signature": ("RS256", RSAKey.generate_key(2048)),
        "is a MAC": ("HS256", OctKey.generate_key(256)),
    }
    algorithm, key = keys[kind]
    jwk = key.as_dict(private=algorithm == "HS256")
    return jwt.encode(header | {"alg": algorithm, "jwk": jwk}, claims, key, [algorithm])


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize(
    "kind",
    [
        "signed by another key than the one it names",
        "names a private key",
        "has no typ",
        "has no key",
        "has no jti",
        "has no iat",
        "has an iat that is text",
        "names another curve",
        "is an RSA signature",
        "is a MAC",
        "is unsigned",
        "is not a JWT",
        "is far too long",
        "is empty",
    ],
)
def test_a_forged_proof_is_refused(get: Callable[..., Any], bound: Phone, kind: str) -> None:
    assert_problem(get(forged(kind, bound)), 401, "bad_proof")


def test_two_proofs_in_one_request_are_refused(app: Flask, bound: Phone) -> None:
    headers = [("Authorization", f"DPoP {bound.secret}"), ("DPoP", proof_of(bound)), ("DPoP", proof_of(bound))]
    assert_problem(app.test_client().get(PATH, headers=headers), 401, "bad_proof")


def test_a_binding_needs_a_proof_of_the_new_key(app: Flask, shop: Shop) -> None:
    assert_problem(app.test_client().post("/mobile/v1/bindings", json={}), 401, "bad_proof")
    body = a_binding(number=NUMBER, password=shop.offer()["password"])
    assert_problem(app.test_client().post("/mobile/v1/bindings", json=body), 401, "bad_proof")
