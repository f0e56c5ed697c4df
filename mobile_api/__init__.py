"""What the app on the phone talks to: every call signed by the device's own key (RFC 9449, ES256)."""

from flask import Flask
from flask_smorest import Api

from mobile_api import bindings, companion, config, deliveries


def register(app: Flask, api: Api) -> None:
    """Add the routes of this package."""
    api.spec.components.security_scheme(
        "dpop",
        {
            "type": "http",
            "scheme": "DPoP",
            "description": (
                "`Authorization: DPoP <device secret>` and a header `DPoP` with a fresh proof (RFC 9449): a JWT "
                "with typ dpop+jwt, alg ES256, the public jwk, and the claims htm, htu, iat, jti and ath."
            ),
        },
    )
    for face in (config.face, bindings.face, deliveries.face):
        api.register_blueprint(face.blueprint)
    companion.register(app)
