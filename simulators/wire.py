"""The words between a service, which decides what to answer, and the protocols that carry it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

Headers = list[tuple[str, str]]
WireFault = Literal["hang", "reset", "rst_stream", "truncate"]


class Peer(Protocol):
    """The connection that a request came on, as far as scripts and the inbox care."""

    number: int

    def close_soon(self) -> None:
        """Close after what is being handled now was written."""
        ...


@dataclass(slots=True)
class Request:
    """One request as it came. `path` includes the query; header names are lower case, in the order they came.

    `body` holds at most the service's `body_limit` bytes; `too_long` tells that there were more.
    """

    connection: Peer = field(repr=False)
    method: str
    path: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    too_long: bool = False

    def fields(self) -> dict[str, str]:
        """The headers as a mapping; of a repeated one the last value."""
        return dict(self.headers)

    def bearer(self) -> str:
        """The access token of `Authorization: Bearer`; empty if there is none."""
        scheme, _, access_token = self.fields().get("authorization", "").partition(" ")
        return access_token if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class Reply:
    """What to answer, and how the wire shall misbehave while answering.

    `delay` is in seconds and comes before the answer or the fault. `reset_code` is the HTTP/2 error code
    (RFC 9113 section 7) that a `rst_stream` carries. `written` is called once the whole answer was handed to
    an open connection.
    """

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    delay: float = 0.0
    fault: WireFault | None = None
    reset_code: int = 0
    written: Callable[[], None] | None = None


def parse_json(body: bytes) -> object:
    """The JSON value in `body`, or None if it is not JSON (RFC 8259: NaN and Infinity are not)."""
    try:
        return cast(object, json.loads(body, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
