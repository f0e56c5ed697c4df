"""A local certificate authority and a server certificate, for TLS that a client really checks."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulators.credentials import private_pem, write_private

_CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pushhub simulators CA")])
_SERVER_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pushhub simulators")])
_CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)
_ALWAYS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The CA certificate to trust, and the server's chain and key; all PEM."""

    ca: Path
    server: Path
    server_key: Path

    def context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """A server context: TLS 1.2 or newer, ALPN with `protocols` in the order of preference (RFC 7301)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server, self.server_key)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


def prepare_certificates(directory: Path, host: str, *, server_life: timedelta = SERVER_LIFE) -> Certificates:
    """Certificates for localhost, 127.0.0.1 and `host`, made anew only where they are missing or run out.

    A new server certificate comes from the same CA, so clients that trust it go on.
    ValueError if a file there is damaged.
    """
    names = list(dict.fromkeys((*_ALWAYS, host)))
    found = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server-key.pem")
    ca_key_path = directory / "ca-key.pem"
    if not ca_key_path.exists() or not _usable(found.ca, []):
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(ca_key_path, private_pem(key))
        found.ca.write_bytes(_certificate(_CA_NAME, key, _CA_NAME, key, _CA_LIFE).public_bytes(Encoding.PEM))
        found.server.unlink(missing_ok=True)
    if not found.server_key.exists() or not _usable(found.server, names):
        ca_key = load_pem_private_key(ca_key_path.read_bytes(), password=None)
        if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{ca_key_path} is damaged: remove it and start again.")
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(found.server_key, private_pem(key))
        server = _certificate(
            _SERVER_NAME,
            key,
            x509.load_pem_x509_certificate(found.ca.read_bytes()).subject,
            ca_key,
            server_life,
            x509.SubjectAlternativeName([_general_name(each) for each in names]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
        )
        found.server.write_bytes(server.public_bytes(Encoding.PEM))
    return found


def _usable(path: Path, names: Sequence[str]) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.not_valid_after_utc - _RENEW_BEFORE < datetime.now(UTC):
        return False
    if not names:
        return True
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(alternative) >= {_general_name(name) for name in names}


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    life: timedelta,
    *further: x509.ExtensionType,
) -> x509.Certificate:
    """The authority's own if it is the subject that issues it."""
    now, is_authority = datetime.now(UTC), subject == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of containers differ
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(_key_usage(signs_certificates=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension in further:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
