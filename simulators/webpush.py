"""A simulated push service of a browser (RFC 8030), which is the browser as well: it can read what it gets.

It checks what push services check: the VAPID signature and whom it is made out to (RFC 8292), TTL, Topic, Urgency,
the encoding, the size. Then it decrypts the message (RFC 8291) with the key of the subscription, and shows it in
the inbox.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from simulators.answers import Outcome, json_outcome
from simulators.inbox import Note
from simulators.scripts import Script
from simulators.state import Service, SimulatorState
from simulators.wire import Reply, Request

PATH = "/push/"
MAX_BODY = 4096
#: A JWT may be made out for a day at most (RFC 8292 section 2).
MAX_JWT_LIFE = 24 * 3600

_CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VAPID = re.compile(r"vapid t=(?P<t>[\w.-]+), ?k=(?P<k>[\w-]+)", re.IGNORECASE)
_URGENCIES = ("very-low", "low", "normal", "high")


class WebPush(Service):
    """The service behind the web push port: `POST /push/<subscription>`.

    A subscription is worked out from its name and the simulators' own secret, so nothing has to be remembered and
    it is good after a restart too. `origin` is set when the port is known.
    """

    name = "webpush"
    body_limit = 8 * 1024

    def __init__(self, state: SimulatorState, secret: bytes) -> None:
        super().__init__(state)
        self._secret = secret
        self.origin = ""

    def subscribe(self, application_server_key: str | None = None) -> dict[str, Any]:
        """What `PushManager.subscribe` gives in a browser. With the key of an application server (base64url), only
        messages signed by it are taken. ValueError if that is no key."""
        bound = _digest(_unpacked(application_server_key)) if application_server_key else bytes(8)
        name = secrets.token_bytes(12) + bound
        name += self._mac(b"name", name)[:8]
        public = self._key(name).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _packed(public), "auth": _packed(self._auth(name))}
        return {"endpoint": f"{self.origin}{PATH}{_packed(name)}", "expirationTime": None, "keys": keys}

    def answer(self, request: Request) -> Reply:
        """Check, then play a script or what was declared about the endpoint, then accept."""
        endpoint = f"{self.origin}{request.path}"
        fields = request.fields()
        note = Note("webpush", endpoint, None, fields.get("topic"), b"")
        name = self._name(request.path)
        refusal = _error(404, "NotFound") if name is None else self._refusal(request, fields, name)
        if refusal is None and name is not None:
            try:
                note.payload = http_ece.decrypt(request.body, private_key=self._key(name), auth_secret=self._auth(name))
                note.message_id = secrets.token_urlsafe(12)
            except (http_ece.ECEException, ValueError):
                # A real push service can't tell; here it helps to be told.
                refusal = _error(400, "Undecryptable")
        return self._state.play(request, note, refusal, _scripted, lambda: self._decide(note, fields["ttl"]))

    def _refusal(self, request: Request, fields: Mapping[str, str], name: bytes) -> Outcome | None:
        if request.method != "POST":
            return _error(405, "MethodNotAllowed")
        if request.too_long or len(request.body) > MAX_BODY:
            return _error(413, "PayloadTooLarge")
        if not re.fullmatch("[0-9]{1,10}", fields.get("ttl", "")):
            return _error(400, "BadTtl")
        if not _TOPIC.fullmatch(fields.get("topic", "x")):
            return _error(400, "BadWebPushTopic")
        if fields.get("urgency", "normal") not in _URGENCIES:
            return _error(400, "BadUrgency")
        if fields.get("content-encoding") != "aes128gcm":
            return _error(400, "BadContentEncoding")
        return self._sender_refusal(fields.get("authorization", ""), name[12:20])

    def _sender_refusal(self, authorization: str, bound: bytes) -> Outcome | None:
        """401 without a signature, 403 for one that is not good, or not of the key that subscribed."""
        found = _VAPID.fullmatch(authorization)
        if found is None:
            return _error(401, "MissingVapid")
        try:
            public = _unpacked(found["k"])
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
            x, y = _packed(public[1:33]), _packed(public[33:])
            key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            claims = jwt.decode(found["t"], key, algorithms=["ES256"]).claims
        except (JoseError, ValueError):
            return _error(403, "BadJwtToken")
        expires_at, now = claims.get("exp"), self._state.clock()
        in_time = type(expires_at) is int and now < expires_at <= now + MAX_JWT_LIFE
        subject = str(claims.get("sub", ""))
        if claims.get("aud") != self.origin or not in_time or not subject.startswith(("mailto:", "https://")):
            return _error(403, "BadJwtToken")
        if bound not in (bytes(8), _digest(public)):
            return _error(403, "VapidKeyMismatch")
        return None

    def _decide(self, note: Note, ttl: str) -> Outcome:
        if self._state.is_gone(note.target):
            return _error(410, "Unregistered")
        return Outcome(201, None, [("location", f"{self.origin}/message/{note.message_id}"), ("ttl", ttl)])

    def _name(self, path: str) -> bytes | None:
        try:
            name = _unpacked(path.removeprefix(PATH)) if path.startswith(PATH) else b""
        except ValueError:
            return None
        good = len(name) == 28 and hmac.compare_digest(self._mac(b"name", name[:20])[:8], name[20:])
        return name if good else None

    def _key(self, name: bytes) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(self._mac(b"key", name), "big") % (_CURVE_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    def _auth(self, name: bytes) -> bytes:
        return self._mac(b"auth", name)[:16]

    def _mac(self, what: bytes, name: bytes) -> bytes:
        return hmac.digest(self._secret, what + name, hashlib.sha256)


def _scripted(script: Script) -> Outcome:
    return _error(script.status or 400, script.reason, script.detail)


def _error(status: int, reason: str | None, detail: Mapping[str, Any] | None = None) -> Outcome:
    """Apple's `reason` and Mozilla's `code` and `error` in one."""
    return json_outcome(status, reason, {"reason": reason, "code": status, "error": reason, **(detail or {})})


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:8]


def _packed(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _unpacked(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))
