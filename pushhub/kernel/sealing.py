"""What is secret at rest, and the keys for it, which stay outside the database.

- `seal` / `unseal`: AES-256-GCM (NIST SP 800-38D). The key's id stands in front of the sealed bytes, so that
  keys can be rotated: new values are sealed with the active key, old ones open with theirs. The context is
  authenticated too: bytes sealed for one row do not open for another.
- `code_digest`: HMAC-SHA-256 over a verification's id and its code, under a key derived from the same ring.
  10,000 possible codes fall to any plain hash; what protects them is that the key is not in the database.
- `lookup_digest`: a keyed digest for what must be found again but need not be read (hardware ids, addresses).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pushhub.kernel.errors import ConfigurationError

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Key:
    sealing: AESGCM
    digesting: bytes


class Keyring:
    """The keys of one installation. Its repr holds none of them."""

    def __init__(self, active: str, secrets_by_id: dict[str, bytes], index_secret: bytes) -> None:
        self._active = active
        self._keys = {
            key_id: _Key(AESGCM(_derived(secret, b"seal")), _derived(secret, b"code digest"))
            for key_id, secret in secrets_by_id.items()
        }
        self._index_key = _derived(index_secret, b"lookup digest")

    def __repr__(self) -> str:
        return f"Keyring(active={self._active!r}, {len(self._keys)} keys)"

    def seal(self, text: str, context: str) -> bytes:
        """Seal `text` for `context` (for example the row's key) under the active key."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self._active].sealing.encrypt(nonce, text.encode(), context.encode())
        return self._active.encode() + b":" + nonce + sealed

    def unseal(self, blob: bytes, context: str) -> str:
        """The text again. Raises `ConfigurationError` where its key is not in the file any more, and
        ValueError where the bytes were changed or belong to another context."""
        key_id, _, rest = blob.partition(b":")
        key = self._key(key_id.decode())
        try:
            return key.sealing.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode()).decode()
        except InvalidTag as problem:
            raise ValueError("sealed bytes do not belong here") from problem

    def code_digest(self, code: str, context: str) -> str:
        """A digest of a code that only this installation can make: `<key id>:<hex>`."""
        return f"{self._active}:{self._code_mac(self._active, code, context)}"

    def code_matches(self, digest: str, code: str, context: str) -> bool:
        """Whether `digest` was made of this code; takes the same time whether or not."""
        key_id, _, expected = digest.partition(":")
        return hmac.compare_digest(expected, self._code_mac(key_id, code, context))

    def lookup_digest(self, kind: str, value: str) -> str:
        """A stable keyed digest (64 hex digits) of `value` among things of this `kind`."""
        return hmac.new(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def _code_mac(self, key_id: str, code: str, context: str) -> str:
        key = self._key(key_id).digesting
        return hmac.new(key, f"{context}\0{code}".encode(), hashlib.sha256).hexdigest()

    def _key(self, key_id: str) -> _Key:
        try:
            return self._keys[key_id]
        except KeyError:
            raise ConfigurationError(
                f"The key file has no key {key_id!r}, but the database holds values sealed with it. "
                "Put that key back into the file named by PUSHHUB_KEY_FILE."
            ) from None


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"pushhub " + purpose).derive(secret)


def secret_digest(secret: str) -> str:
    """SHA-256 in hex. Enough for secrets of 128 random bits and more (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key_file(path: Path) -> None:
    """Write a new key file, readable by its owner alone. Never overwrites one: raises FileExistsError."""
    document = {
        "about": "Keys of this pushhub installation. Keep a copy: without it sealed values can't be read.",
        "active": "k1",
        "keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "index": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")


def load_keyring(path: Path) -> Keyring:
    """Read the key file. Raises `ConfigurationError` with what to do where it can't be used."""
    remedy = f"Make one with `pushhub keys create {path}`, or name the right file in PUSHHUB_KEY_FILE."
    try:
        document = json.loads(path.read_text())
        keys = {str(key_id): _secret(text) for key_id, text in document["keys"].items()}
        active, index = str(document["active"]), _secret(document["index"])
        if active not in keys or any(":" in key_id for key_id in keys):
            raise KeyError("active")
    except FileNotFoundError:
        raise ConfigurationError(f"There is no key file at {path}. {remedy}") from None
    except OSError as problem:
        raise ConfigurationError(f"The key file {path} can't be read: {problem.strerror}. {remedy}") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ConfigurationError(f"{path} is not a pushhub key file. {remedy}") from None
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"Others can read the key file {path}. Run: chmod 600 {path}")
    return Keyring(active, keys, index)


def _secret(text: str) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) < 32:
        raise ValueError("a key has at least 32 bytes")
    return secret
