"""What simulated services of somebody else's have in common: questions by POST, JSON in and out, a bearer secret."""

from __future__ import annotations

import argparse
import contextlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

_LONGEST_BODY = 4096
#: How often a server looks whether it should end, in seconds: whoever ends it waits for that.
_LOOKS_EVERY = 0.02


class JsonServer(ThreadingHTTPServer):
    """Answers questions at `/v1/<question>` for as long as the `with` block lasts. A kind of it says in `look_up` what
    it knows.

    `delay` is how many seconds it waits before each answer, `status` what it answers in place of what was asked,
    `body` what it sends in place of JSON. `asked` are the questions that came, in order; what was asked about is not
    kept.
    """

    daemon_threads = True
    #: What a body must have, in words.
    wanted = ""

    def __init__(self, *, secret: str | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Handler)
        self._secret = secret
        self.asked: list[str] = []
        self.delay = 0.0
        self.status: int | None = None
        self.body: bytes | None = None

    def look_up(self, question: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, or None for 404. LookupError, TypeError: the body does not have what is asked about."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """For the setting that names the service."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        serve = partial(self.serve_forever, _LOOKS_EVERY)
        threading.Thread(target=serve, name=type(self).__name__, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, question: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        """Status and body for one request."""
        self.asked.append(question)
        time.sleep(self.delay)
        if self.status is not None:
            return self.status, b"{}"
        if self.body is not None:
            return 200, self.body
        if self._secret is not None and not hmac.compare_digest(authorization, f"Bearer {self._secret}"):
            return 401, b'{"error": "unknown caller"}'
        try:
            found = self.look_up(question, json.loads(body))
        except (ValueError, LookupError, TypeError):
            return 400, json.dumps({"error": f"send {self.wanted}"}).encode()
        return (404, b"{}") if found is None else (200, json.dumps(found, ensure_ascii=False).encode())


class _Handler(BaseHTTPRequestHandler):
    server: JsonServer

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), _LONGEST_BODY)
        body = self.rfile.read(length)
        question = self.path.removeprefix("/v1/")
        status, answer = self.server.answer(question, self.headers.get("Authorization", ""), body)
        with contextlib.suppress(ConnectionError):  # whoever asked may have stopped waiting
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses say little, and bodies hold personal data."""


def serve_a_file(make: Callable[..., JsonServer], description: str, setting: str) -> None:
    """The command line of such a service: serve a file until Ctrl-C, and print the setting that names it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret-file", type=Path)
    options = parser.parse_args()
    secret = options.secret_file.read_text().strip() if options.secret_file else None
    server = make(options.file, secret=secret, host=options.host, port=options.port)
    print(setting.format(url=server.url), flush=True)  # noqa: T201 - the command's answer
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
