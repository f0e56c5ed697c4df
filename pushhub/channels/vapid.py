"""VAPID (RFC 8292): the signature by which a push service of a browser knows who sends.

One JWT for each push service, signed by `py_vapid`, used for up to twelve hours: they may be no longer valid than
24, and Apple wants them renewed no more often than once an hour.
"""

from __future__ import annotations

import threading
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException

from pushhub.channels.transport import Monotonic
from pushhub.kernel import clock

#: Seconds for which a JWT is valid, after which it is replaced, and before which a refused one is not.
VALID = 12 * 3600
RENEW_AFTER = 11 * 3600
RENEWAL_GAP = 3600

#: How many push services are remembered. There are four; more names below theirs must not fill the memory.
MOST = 256


@dataclass(slots=True)
class Signature:
    """The `authorization` header for one push service. `accepted`: the service has taken a message with it, so
    that a later refusal speaks of one subscription and not of us."""

    header: str = field(repr=False)
    signed_at: float
    accepted: bool = False


class Vapid:
    """Signs for the push services.

    Args:
        key: the application server's key.
        subject: how a push service reaches the operator, `mailto:` or `https:`.
        most: how many push services are remembered.

    Raises ValueError for a subject that `py_vapid` does not take.
    """

    def __init__(
        self,
        key: EllipticCurvePrivateKey,
        subject: str,
        *,
        most: int = MOST,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._vapid = Vapid02(private_key=key)
        self._subject = subject
        self._most = most
        self._monotonic = monotonic
        self._signatures: OrderedDict[str, Signature] = OrderedDict()
        self._lock = threading.Lock()
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = urlsafe_b64encode(point).rstrip(b"=").decode()
        self._sign("https://push.example")

    def signature(self, origin: str) -> Signature:
        """The header for the push service at `origin`."""
        now = self._monotonic()
        with self._lock:
            found = self._signatures.get(origin)
            if found is None or not 0 <= now - found.signed_at < RENEW_AFTER:
                found = self._signatures[origin] = Signature(self._sign(origin), now)
                if len(self._signatures) > self._most:
                    self._signatures.popitem(last=False)
            self._signatures.move_to_end(origin)
            return found

    def refused(self, origin: str, signature: Signature) -> bool:
        """A push service that never took it refused it. True if another one is worth a try; at most once an hour."""
        with self._lock:
            if self._signatures.get(origin) is not signature:
                return True
            if self._monotonic() - signature.signed_at < RENEWAL_GAP:
                return False
            del self._signatures[origin]
            return True

    def _sign(self, origin: str) -> str:
        claims = {"aud": origin, "sub": self._subject, "exp": int(clock.now().timestamp()) + VALID}
        try:
            return str(self._vapid.sign(claims)["Authorization"])
        except VapidException:
            refusal = ValueError("the subject is neither a mailto: nor an https: address")
        raise refusal
