"""`make example`: the website beside a running pushhub, or with one of its own. What it needs is kept under var/."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from werkzeug.serving import run_simple

from examples.foreign_product.app import create_app

STATE = Path("var/example.json")
PUSHHUB = str(Path(sys.executable).with_name("pushhub"))


def main() -> None:
    """Find or start the service, make the product once, serve the website."""
    port = int(os.environ.get("PORT", "8080"))
    own_port = int(os.environ.get("EXAMPLE_PORT", "8090"))
    service = f"http://127.0.0.1:{port}"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as running:
        if not _answers(f"{service}/readyz"):
            started = subprocess.Popen([PUSHHUB, "serve", "--local", "--port", str(port)])  # noqa: S603 - our own
            running.callback(started.wait, 30)
            running.callback(started.terminate)
            _wait_for(service, started)
        app = create_app(service, _key(service))
        print(
            f"\nThe website of somebody else: http://127.0.0.1:{own_port}/\nThe phone beside it: {service}/app\n",
            flush=True,
        )
        run_simple("127.0.0.1", own_port, app, threaded=True)


def _answers(address: str, key: str | None = None) -> bool:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=3):  # noqa: S310
            return True
    except OSError:
        return False


def _wait_for(service: str, started: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        if _answers(f"{service}/readyz"):
            return
        if started.poll() is not None:
            sys.exit("pushhub did not start; what it said stands above.")
        time.sleep(0.2)
    sys.exit(f"pushhub does not answer at {service}.")


def _key(service: str) -> str:
    """The key that was kept, as long as this service knows it; else that of a new product."""
    if STATE.exists():
        kept: str = json.loads(STATE.read_text())["live_key"]
        if _answers(f"{service}/v1/events?limit=1", kept):
            return kept
    for name in ("Dastarkhan", f"Dastarkhan {int(time.time())}"):  # the first one may be there, and its key lost
        command = [PUSHHUB, "product", "create", "--name", name, "--json"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        if made.returncode == 0:
            break
    else:
        sys.exit(f"The product could not be made: {made.stderr or made.stdout}")
    with os.fdopen(os.open(STATE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(made.stdout)
    return str(json.loads(made.stdout)["live_key"])


if __name__ == "__main__":
    main()
