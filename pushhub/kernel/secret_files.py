"""Files that settings name: read at start, so that a wrong one stops it with a sentence that says what to do.

No sentence quotes what a file holds, and no error of a parser is kept behind a sentence: it may quote the key.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pushhub.kernel.errors import ConfigurationError


def read(path: Path, variable: str) -> bytes:
    """The content of a file that `variable` names."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{variable}: {path} can't be read ({reason}). Give a path to a file that this service may read."
        ) from None


def signing_key(path: Path, variable: str, *, what: str, remedy: str) -> EllipticCurvePrivateKey:
    """An EC P-256 private key in PEM. `what` and `remedy` complete the sentence about a file that holds none."""
    content = read(path, variable)
    key = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load_pem_private_key(content, password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigurationError(f"{variable}: {path} is no {what} (PEM with an EC P-256 private key). {remedy}")
    return key


def root_certificates(path: Path | None) -> bytes | None:
    """The certificates of the file that PUSHHUB_PROVIDER_CA names, PEM."""
    if path is None:
        return None
    content = read(path, "PUSHHUB_PROVIDER_CA")
    found: list[x509.Certificate] = []
    with suppress(ValueError):
        found = x509.load_pem_x509_certificates(content)
    if not found:
        raise ConfigurationError(
            f"PUSHHUB_PROVIDER_CA: {path} holds no PEM certificate. "
            "Name a file with the root certificates to trust besides the usual ones, or unset it."
        )
    return content
