"""What may be the address of a webhook. Pure: no I/O; names are looked up in `resolver.py`.

A product chooses where we send requests from inside our network, so an address is looked at twice: its form and
what its name stands for when it is registered, and at every connection the very IP address that is connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from pushhub.kernel.settings import is_loopback

LONGEST_URL = 2000


class UrlRefusal(StrEnum):
    """Why an address can't be a webhook's."""

    MALFORMED = "malformed"
    NOT_HTTPS = "not_https"
    HAS_CREDENTIALS = "has_credentials"
    NAME_NOT_FOUND = "name_not_found"
    PRIVATE_ADDRESS = "private_address"


#: What each refusal means, for the one who wrote the address.
WHAT_TO_DO = {
    UrlRefusal.MALFORMED: "Write it as https://host/path, percent-encoded, without a fragment, in 2,000 characters.",
    UrlRefusal.NOT_HTTPS: "It must begin with https://.",
    UrlRefusal.HAS_CREDENTIALS: "Leave user name and password out of it; the signature proves who is sending.",
    UrlRefusal.NAME_NOT_FOUND: "Its host name is not found in the DNS.",
    UrlRefusal.PRIVATE_ADDRESS: "Its host is not on the open Internet; private addresses are not called.",
}

_VISIBLE = re.compile(r"[!-~]+")
#: What readers of addresses understand in different ways, or leave out in silence.
_CONFUSING = re.compile(r"[\0-\x20\x7f\\\"<>^`{|}#]")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart, once, by the one reader that the check and the connection share. Its repr has no
    path: that may hold a secret of the endpoint."""

    scheme: str
    host: str
    port: int
    #: Path and query.
    path: str

    def __repr__(self) -> str:
        return f"Target({self.scheme}://{self.authority}/…)"

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str, *, private_allowed: bool) -> Target | UrlRefusal:
    """The target that `url` names. With `private_allowed` it may also be http:// to this machine itself."""
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:  # UnicodeError is one
        return UrlRefusal.MALFORMED
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    if _CONFUSING.search(url) or port == 0 or not _VISIBLE.fullmatch(host) or not _VISIBLE.fullmatch(path):
        return UrlRefusal.MALFORMED
    if "@" in parts.netloc:
        return UrlRefusal.HAS_CREDENTIALS
    if parts.scheme != "https" and not (private_allowed and parts.scheme == "http" and is_loopback(url)):
        return UrlRefusal.NOT_HTTPS
    target = Target(parts.scheme, host, port or _PORTS[parts.scheme], path)
    return target if len(target.url) <= LONGEST_URL else UrlRefusal.MALFORMED


def _ascii(host: str) -> str:
    """A host name as the DNS has it: Cyrillic ones are written with `xn--` (IDNA)."""
    return host if ":" in host else host.encode("idna").decode()


_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: Addresses behind which an IPv4 address is what is really reached: NAT64 (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open Internet: it is not private, loopback, link-local, shared,
    reserved, documentation or multicast, nor one of these in the clothes of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (_last_32_bits(found) if found in _NAT64 else None)
        if inner is None:
            return found in _GLOBAL_UNICAST and found.is_global
        found = inner
    return found.is_global and not found.is_multicast


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)
