"""Who is calling: the proof in the header `DPoP` and, once the device has one, its secret."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from flask import g, request

from pushhub.context import current
from pushhub.devices.dpop import KnownDevice, SignedRequest, prove_key, recognise_device
from pushhub.http.contract import ApiBlueprint, Guard
from pushhub.kernel.errors import BadDeviceSecret, BadProof, DeviceUnbound
from pushhub.kernel.settings import is_loopback

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def signed_by_known_device() -> None:
    """Guard: refuse whoever is not a known device, signing with its own key."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "dpop" or not secret:
        raise BadDeviceSecret
    g.known_device = recognise_device(_signed_request(), secret.strip())


def signed_by_new_key() -> None:
    """Guard: refuse whoever does not prove the key that it is about to be known by."""
    g.new_key = prove_key(_signed_request())


def operations(name: str, import_name: str, about: str, *, guard: Guard | None) -> ApiBlueprint:
    """What a device may ask for under `/mobile/v1`, signed by its key."""
    return ApiBlueprint(
        name,
        import_name,
        prefix="/mobile/v1",
        about=about,
        guard=guard,
        security=[{"dpop": []}],
        always=[BadProof, BadDeviceSecret],
    )


def the_new_key() -> str:
    """The thumbprint of the key that the guard saw."""
    return cast(str, g.new_key)


def the_device() -> KnownDevice:
    """The device that the guard recognised."""
    return cast(KnownDevice, g.known_device)


def the_bound_device() -> KnownDevice:
    """The device of this request, for operations that need a number. Raises `DeviceUnbound`."""
    known = the_device()
    if known.binding is None:
        raise DeviceUnbound
    return known


def _signed_request() -> SignedRequest:
    proofs = request.headers.getlist("DPoP")
    if len(proofs) != 1:
        raise BadProof("Send exactly one header `DPoP` with a proof (RFC 9449).")
    return SignedRequest(request.method, frozenset(origin + request.path for origin in _origins()), proofs[0])


def _origins() -> list[str]:
    """The addresses under which this service is known. Never taken from the request: a proof that was made for
    another server must not pass because somebody sends it here with that server's name."""
    public_url = current().settings.public_url
    if not is_loopback(public_url):
        return [public_url]
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return [f"{parts.scheme}://{host}{port}" for host in _LOOPBACK_HOSTS]
