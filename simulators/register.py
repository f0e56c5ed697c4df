"""A simulated state register: citizens, children, mobile numbers, over HTTP as docs/registry.md says.

    with Register(Path("register.toml"), secret="…") as register:
        register.delay = 5            # seconds before each answer
        register.status = 500         # answer this in place of what was asked
        register.body = b"<html>"     # send this in place of JSON
        ...
        assert register.asked == ["citizens"]

On the command line: `python -m simulators.register register.toml --port 8190`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from simulators.json_server import JsonServer, serve_a_file


class Register(JsonServer):
    """The register of one TOML file (the format of PUSHHUB_REGISTRY_FILE), for as long as the `with` block lasts."""

    wanted = '{"iin": ...}'

    def __init__(self, file: Path, *, secret: str | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        document = tomllib.loads(file.read_text())
        self._citizens = {entry["iin"]: entry for entry in document.get("citizens", [])}
        self._children = {entry["iin"]: entry for entry in document.get("children", [])}
        super().__init__(secret=secret, host=host, port=port)

    def look_up(self, question: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        iin = asked["iin"]
        if question == "children":
            return self._children.get(iin)
        citizen = self._citizens.get(iin)
        if citizen is None or question not in ("citizens", "numbers"):
            return None
        if question == "numbers":
            return {"numbers": citizen.get("numbers", [])}
        known = {name: citizen[name] for name in ("iin", "surname", "name", "sex")}
        return known | {"patronymic": citizen.get("patronymic", ""), "born": citizen["born"].isoformat()}


if __name__ == "__main__":
    serve_a_file(Register, "A simulated state register.", "PUSHHUB_REGISTRY_URL={url}")
