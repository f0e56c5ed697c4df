"""The transport for a real service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import RequestError

from reference_device.client import Answer, Transport


def http_transport(timeout: timedelta = timedelta(seconds=15)) -> Transport:
    """Requests over HTTP(S). Raises ConnectionError where the service can't be reached."""
    client = SyncClientBuilder().timeout(timeout).follow_redirects(False).build()

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
