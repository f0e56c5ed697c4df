"""The device's signature on each request: DPoP (RFC 9449) with ES256.

A proof is a JWT that names method (`htm`), address (`htu`), time (`iat`) and a nonce (`jti`), signed with the
device's key, whose public half (`jwk`) is in its header. Once the device has a secret, `ath` ties the two
together: a stolen secret without the key is worthless, and so is a stolen proof for another request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy.orm import Session

from pushhub.devices.models import Binding, Device, UsedProof
from pushhub.kernel import clock
from pushhub.kernel.db import insert, transaction
from pushhub.kernel.errors import BadDeviceSecret, BadProof
from pushhub.kernel.http_values import json_object
from pushhub.kernel.sealing import secret_digest

#: How far the phone's clock may be off, each way.
CLOCK_SKEW = timedelta(seconds=60)
#: How long a proof is remembered: longer than it could be accepted.
REMEMBERED = timedelta(minutes=5)
_LONGEST_PROOF = 4096


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the signature has to cover. `urls` are the addresses under which this service is known."""

    method: str
    urls: frozenset[str]
    proof: str


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that has proven its secret and its key."""

    device: Device
    #: The device's active binding, if it has one.
    binding: Binding | None


def prove_key(request: SignedRequest) -> str:
    """Check a proof of a device that has no secret yet and return the thumbprint of its key.

    Raises `BadProof`.
    """
    thumbprint, claims = _checked(request)
    with transaction() as session:
        _spend(session, thumbprint, claims)
    return thumbprint


def recognise_device(request: SignedRequest, secret: str) -> KnownDevice:
    """The device behind a secret and a proof of its key. Raises `BadProof`, `BadDeviceSecret`."""
    thumbprint, claims = _checked(request)
    expected = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(str(claims.get("ath", "")).encode(errors="replace"), expected.encode()):
        raise _refused("the claim ath is not the SHA-256 of the device secret")
    now = clock.now()
    with transaction() as session:
        _spend(session, thumbprint, claims)
        row = session.execute(
            sa.select(Device, Binding)
            .join(Binding, sa.and_(Binding.device_id == Device.id, Binding.ended_at.is_(None)), isouter=True)
            .where(Device.secret_digest == secret_digest(secret), Device.key_thumbprint == thumbprint)
        ).first()
        if row is not None and now - row[0].last_seen_at > timedelta(minutes=1):
            session.execute(sa.update(Device).where(Device.id == row[0].id).values(last_seen_at=now))
    if row is None:
        raise BadDeviceSecret
    return KnownDevice(row[0], row[1])


def sweep(session: Session) -> None:
    """Forget proofs that are too old to be accepted again."""
    session.execute(sa.delete(UsedProof).where(UsedProof.expires_at <= clock.now()))


def _checked(request: SignedRequest) -> tuple[str, dict[str, Any]]:
    key, claims = _verified(request.proof)
    if claims.get("htm") != request.method:
        raise _refused("the claim htm is not the method of this request")
    if not isinstance(claims.get("htu"), str) or claims["htu"] not in request.urls:
        raise _refused("the claim htu is not the address of this request (without query and fragment)")
    nonce = claims.get("jti")
    if not isinstance(nonce, str) or not nonce.isprintable() or not 8 <= len(nonce) <= 255:
        raise _refused("the claim jti must be a new random text of 8 to 255 printable characters")
    issued = claims.get("iat")
    if not isinstance(issued, int) or isinstance(issued, bool) or issued.bit_length() > 63:
        raise _refused("the claim iat must be whole seconds since 1970")
    if abs(clock.now().timestamp() - issued) > CLOCK_SKEW.total_seconds():
        raise _refused("the claim iat is more than 60 seconds off; set the phone's clock by server_time")
    return key.thumbprint(), claims


def _verified(proof: str) -> tuple[ECKey, dict[str, Any]]:
    if len(proof) > _LONGEST_PROOF:
        raise _refused("the proof is too long")
    try:
        header = jws.extract_compact(proof.encode()).headers()
        jwk = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or header.get("alg") != "ES256" or not isinstance(jwk, dict):
            raise _refused("the header must have typ dpop+jwt, alg ES256 and the public key as jwk")
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
            raise _refused("the jwk must be a public P-256 key")
        key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
        payload = jws.deserialize_compact(proof.encode(), key, algorithms=["ES256"]).payload
        claims = json_object(payload)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise _refused("it can't be read or its signature is wrong") from problem
    if claims is None:
        raise _refused("its claims are no JSON object")
    return key, claims


def _spend(session: Session, thumbprint: str, claims: dict[str, Any]) -> None:
    digest = secret_digest(f"{thumbprint}\0{claims['jti']}")
    statement = insert(UsedProof).values(digest=digest, expires_at=clock.now() + REMEMBERED)
    fresh = session.execute(statement.on_conflict_do_nothing().returning(UsedProof.digest)).first()
    if fresh is None:
        raise _refused("this proof was used before; make a new one for each request")


def _refused(why: str) -> BadProof:
    return BadProof(f"{BadProof.text} Here {why}.", server_time=clock.rfc3339(clock.now()))
