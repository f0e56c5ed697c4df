"""Asking a service of somebody else's: a question by POST, JSON in and out. No answer within 3 seconds is none.

Personal data travels in bodies only, so that no log of addresses holds it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from pushhub.kernel.errors import ConfigurationError, PushhubError
from pushhub.kernel.http_values import json_object

log = logging.getLogger(__name__)
TIMEOUT = timedelta(seconds=3)
T = TypeVar("T")


class JsonService:
    """The service at `url`.

    Args:
        name: what it is called in the log.
        unavailable: what is raised where it gives no answer that can be used.
        secret_file: a file with the secret that it wants as a bearer.
        remedy: what to correct where that file can't be read.
    """

    def __init__(
        self, name: str, url: str, unavailable: type[PushhubError], secret_file: Path | None = None, *, remedy: str
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._unavailable = unavailable
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if secret_file is not None:
            try:
                self._headers["Authorization"] = f"Bearer {secret_file.read_text().strip()}"
            except (OSError, UnicodeDecodeError):
                raise ConfigurationError(
                    f"The file {secret_file} with the secret of the {name} can't be read. {remedy}"
                ) from None
        builder = SyncClientBuilder().no_proxy().follow_redirects(False).default_cookie_store(False)
        self._client = builder.connect_timeout(TIMEOUT).timeout(TIMEOUT).user_agent("pushhub").build()

    def ask(self, question: str, body: Mapping[str, str], read: Callable[[dict[str, Any]], T]) -> T | None:
        """What `read` makes of the answer; None where there is no such thing (404)."""
        document = self._answer(question, body)
        if document is None:
            return None
        try:
            return read(document)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, PushhubError):
            log.warning("%s gave an answer that is not of its contract", self._name, extra={"question": question})
            raise self._unavailable from None

    def _answer(self, question: str, body: Mapping[str, str]) -> dict[str, Any] | None:
        try:
            request = self._client.post(f"{self._url}/v1/{question}").headers(self._headers)
            response = request.body_bytes(json.dumps(body).encode()).build().send()
            status, answer = response.status, bytes(response.bytes())
        except (PyreqwestError, ValueError) as problem:
            # Its text may quote the address; the kind is enough to find the cause.
            reason = type(problem).__name__
        else:
            if status == 404:
                return None
            # Sums are not rounded on the way.
            document = json_object(answer, parse_float=Decimal) if status == 200 else None
            if document is not None:
                return document
            reason = f"status {status}" if status != 200 else "not a JSON object"
        log.warning("%s gave no answer", self._name, extra={"question": question, "reason": reason})
        raise self._unavailable
