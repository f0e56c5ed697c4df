"""The requests an app makes, in the order a phone makes them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import RequestError

from reference_device.keys import DeviceKey


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered: status, headers (names in small letters), body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


#: A message may come so much later than others that were made after it: committed late, or by a slow clock.
_LATE = timedelta(seconds=60)
#: A page of so many messages may not be the last.
_FULL_PAGE = 50

#: Sends one request: method, address, headers, body.
Transport = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


class Refused(Exception):
    """The service refused, with an RFC 9457 problem document."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        try:
            self.problem: dict[str, Any] = answer.json()
        except ValueError:
            self.problem = {"code": "not_pushhub", "detail": "The answer is not JSON: is this the right address?"}
        self.code = str(self.problem.get("code", ""))
        super().__init__(f"{self.status} {self.code}: {self.problem.get('detail', '')}")


@dataclass(slots=True)
class ReferenceDevice:
    """One installation of the app on one phone.

    `server` is the service's public address. `push_target` is what the push service gave the app; `poll` for a
    phone that has none. `hardware_id` stays the same over a reinstall, `installation_id` does not.
    """

    server: str
    send: Transport
    key: DeviceKey = field(default_factory=DeviceKey.generate, repr=False)
    installation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    hardware_id: str | None = None
    platform: str = "android"
    model: str = "Reference device"
    locale: str = "ru"
    push_target: dict[str, str] = field(default_factory=lambda: {"kind": "poll"}, repr=False)
    secret: str | None = field(default=None, repr=False)
    next_key: DeviceKey | None = field(default=None, repr=False)
    now: Callable[[], float] = time.time
    _feed_tag: str | None = None
    _feed_end: str | None = None
    #: The messages behind that end, with the time when each was made.
    _feed_recent: dict[str, datetime] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        """Consent texts, oldest served version, the server's time."""
        answer = self.send("GET", f"{self.server}/mobile/v1/config", {}, None)
        return _document(answer)

    def bind(self, *, number: str | None = None, password: str | None = None, qr: str | None = None) -> dict[str, Any]:
        """Bind by what was typed (number and password) or scanned (qr). A new key is made for it, as for every
        binding; only when the service agrees does the device use it. Until then it stays the same: where the service
        agreed and the answer was lost, asking again with this key gives the binding that was made."""
        key = self.next_key = self.next_key or DeviceKey.generate()
        body: dict[str, Any] = {
            "device": {
                "installation_id": self.installation_id,
                "hardware_id": self.hardware_id,
                "platform": self.platform,
                "model": self.model,
                "os_version": "1",
                "app_version": "1.0.0",
                "locale": self.locale,
                "push_target": self.push_target,
            },
            "consent_version": self.config()["consent"]["version"],
        }
        body |= {"qr": qr} if qr is not None else {"number": number, "password": password}
        made = _document(self._signed("POST", "/mobile/v1/bindings", body, key=key))
        self.key, self.secret, self.next_key = key, str(made["device"]["secret"]), None
        return made

    def binding(self) -> dict[str, Any]:
        """Whether the device is bound, and to which number."""
        return _document(self._signed("GET", "/mobile/v1/binding"))

    def unbind(self) -> None:
        """Let the number go."""
        _accepted(self._signed("DELETE", "/mobile/v1/binding"))

    def update(self, **changes: Any) -> dict[str, Any]:
        """Report a new push target, locale, version or permission."""
        return _document(self._signed("PUT", "/mobile/v1/device", changes))

    def feed(self, after: str | None = None) -> list[dict[str, Any]]:
        """Everything after the message named, page by page, oldest first."""
        items: list[dict[str, Any]] = []
        while True:
            page = _document(self._signed("GET", "/mobile/v1/feed", query=f"?after={after}" if after else ""))
            items += page["items"]
            if not page["items"]:
                return items
            after = page["next"]

    def feed_changed(self) -> bool:
        """Ask cheaply whether there is anything new since the last time this was asked."""
        self._settle()
        headers = {"If-None-Match": self._feed_tag} if self._feed_tag else {}
        query = f"?after={self._feed_end}" if self._feed_end else ""
        answer = _accepted(self._signed("GET", "/mobile/v1/feed", query=query, headers=headers))
        if answer.status == 304:
            return False
        page = answer.json()
        items = page["items"]
        self._feed_tag = answer.headers.get("etag")
        if len(items) >= _FULL_PAGE:
            # A change behind a full page would not change the page's tag.
            self._feed_tag = None
            items = items + self.feed(page["next"])
        new = [item for item in items if item["delivery_id"] not in self._feed_recent]
        self._feed_recent |= {item["delivery_id"]: datetime.fromisoformat(item["created_at"]) for item in new}
        return bool(new)

    def _settle(self) -> None:
        """Go on behind what was seen, but for the last minute: a message may still come that belongs there."""
        late = datetime.fromtimestamp(self.now(), UTC) - _LATE
        for delivery_id in sorted(self._feed_recent):
            if self._feed_recent[delivery_id] > late:
                return
            del self._feed_recent[delivery_id]
            self._feed_end, self._feed_tag = delivery_id, None

    def reveal(self, delivery_id: str) -> dict[str, Any]:
        """Open a message. For a code this shows the digits and makes the code checkable."""
        return _document(self._signed("GET", f"/mobile/v1/deliveries/{delivery_id}"))

    def acknowledge(self, delivery_ids: Sequence[str], event: str = "received") -> None:
        """Send receipts: `received` or `seen`."""
        at = datetime.fromtimestamp(self.now(), UTC).isoformat()
        receipts = [{"delivery_id": entry, "event": event, "at": at} for entry in delivery_ids]
        _accepted(self._signed("POST", "/mobile/v1/receipts", {"receipts": receipts}))

    def _signed(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        key: DeviceKey | None = None,
    ) -> Answer:
        url = f"{self.server}{path}"
        sent = dict(headers or {})
        if key is not None:
            sent["DPoP"] = key.proof(method, url, self.now)
        else:
            sent["DPoP"] = self.key.proof(method, url, self.now, self.secret or "")
            sent["Authorization"] = f"DPoP {self.secret or 'none'}"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        return self.send(method, url + query, sent, content)


def http_transport() -> Transport:
    """Requests over HTTP(S). Raises ConnectionError where the service can't be reached."""
    client = SyncClientBuilder().timeout(timedelta(seconds=15)).follow_redirects(False).build()

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        request = client.request(method, url).headers(dict(headers))
        if body is not None:
            request = request.body_bytes(body)
        try:
            response = request.build().send()
        except RequestError as problem:
            raise ConnectionError("The service can't be reached; is the address right?") from problem
        names = {str(name).lower(): str(value) for name, value in response.headers.items()}
        return Answer(response.status, names, bytes(response.bytes()))

    return send


def _accepted(answer: Answer) -> Answer:
    if answer.status >= 400:
        raise Refused(answer)
    return answer


def _document(answer: Answer) -> dict[str, Any]:
    document = _accepted(answer).json()
    assert isinstance(document, dict)  # noqa: S101 - every document of this API is an object
    return document
