"""The keys of the simulated world: service account, APNs signing key and so on. Made once, kept in a directory.

Starting again on the same directory finds the same keys, so a pushhub that runs goes on working.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PROJECT_ID = "pushhub-simulated"
CLIENT_EMAIL = f"pushhub@{PROJECT_ID}.iam.gserviceaccount.com"
APNS_KEY_ID = "SIMKEY0001"
APNS_TEAM_ID = "SIMTEAM001"
APNS_TOPIC = "org.example.pushhub"
HMS_APP_ID = "100000001"
VAPID_SUBJECT = "mailto:operator@example.org"
SMTP_USER = "pushhub"
MAIL_FROM = "pushhub <codes@simulated.example>"


class Credentials:
    """Where the sender's secrets are, and what the simulators need to check them. What is missing in `directory` is
    made. Raises ValueError if a file is damaged, OSError if it can't be used.

    `service_account` is a file as Google's console gives it ("Create and manage service account keys");
    `apns_key` is a .p8 file as Apple's ("Create a private key"). The public halves are PEM. `hms_secret` is a file
    with a client secret, `vapid_key` the key of an application server.
    """

    def __init__(self, directory: Path) -> None:
        self._rsa_key = directory / "service-account-key.pem"
        self.service_account = directory / "service-account.json"
        self.apns_key = directory / "apns-key.p8"
        self.vapid_key = directory / "vapid-key.pem"
        self.hms_secret = directory / "hms-client-secret.txt"
        if not self._rsa_key.exists():
            write_private(self._rsa_key, private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
        for path in (self.apns_key, self.vapid_key):
            if not path.exists():
                write_private(path, private_pem(ec.generate_private_key(ec.SECP256R1())))
        if not self.hms_secret.exists():
            write_private(self.hms_secret, secrets.token_hex(32).encode() + b"\n")
        self.service_account_key = _public_pem(self._rsa_key)
        self.apns_public_key = _public_pem(self.apns_key)
        rsa_pem = self._rsa_key.read_bytes()
        self.access_token_secret = hashlib.sha256(b"access tokens" + rsa_pem).digest()
        self._root_secret = hashlib.sha256(b"simulators" + rsa_pem).digest()

    def secret(self, purpose: str) -> bytes:
        """A secret of 32 bytes for one purpose, the same after every start in this directory."""
        return hmac.digest(self._root_secret, purpose.encode(), hashlib.sha256)

    def write_service_account(self, token_uri: str) -> None:
        """Write the service account file for a token endpoint; untouched if it is there already."""
        value = {
            "type": "service_account",
            "project_id": PROJECT_ID,
            "private_key_id": hashlib.sha256(self.service_account_key).hexdigest()[:40],
            "private_key": self._rsa_key.read_text(),
            "client_email": CLIENT_EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }
        text, path = json.dumps(value, indent=2) + "\n", self.service_account
        if not path.exists() or path.read_text() != text:
            write_private(path, text.encode())


def private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8 in PEM, the form of both a .p8 file and a service account's `private_key`."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:  # mkstemp gives mode 0600
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _public_pem(path: Path) -> bytes:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: remove it and start again.") from error
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
