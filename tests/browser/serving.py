"""An application in this process, for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve it for as long as the block lasts; its address."""

    def read_whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Files are read and closed before anything is sent: of one that the browser no longer wants, the server leaves
        the open file to the collector."""
        with closing(ClosingIterator(app(environ, start_response))) as parts:
            return [b"".join(parts)]

    server = make_server("127.0.0.1", 0, read_whole, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
