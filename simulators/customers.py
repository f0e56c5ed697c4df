"""A simulated service of a product that knows its customers, over HTTP as docs/customers.md says.

    with Customers(Path("customers.toml"), secret="…") as customers:
        customers.status = 500        # as simulators.register: delay, status, body, asked
        ...

On the command line: `python -m simulators.customers customers.toml --port 8191`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from simulators.json_server import JsonServer, serve_a_file


class Customers(JsonServer):
    """The customers of one TOML file (the format of `[customers] file`), for as long as the `with` block lasts."""

    wanted = '{"normal_contract": ..., "tax_id": ...} or {"account": ...}'

    def __init__(self, file: Path, *, secret: str | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._customers = tomllib.loads(file.read_text()).get("customers", [])
        super().__init__(secret=secret, host=host, port=port)

    def look_up(self, question: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        if question == "customers":
            wanted, tax_id = asked["normal_contract"], asked["tax_id"]
            found = next((entry for entry in self._customers if _normal(entry["contract"]) == wanted), None)
            if found is None:
                return None
            ours = {name: found[name] for name in ("account", "contract", "tax_id", "name")}
            return {"customer": ours if found["tax_id"] == tax_id else None}
        account = asked["account"]
        found = next((entry for entry in self._customers if entry["account"] == account), None)
        if found is None or question != "standings":
            return None
        standing = {name: found[name] for name in ("account", "contract")}
        return standing | {"balance": found.get("balance"), "currency": found.get("currency", "KZT")}


def _normal(contract: str) -> str:
    """As docs/customers.md says that a product does it."""
    return "".join(contract.upper().split()).translate(str.maketrans("ABCEHIKMOPTXY–—", "АВСЕНІКМОРТХУ--"))


if __name__ == "__main__":
    serve_a_file(Customers, "A simulated service that knows a product's customers.", '[customers]\nurl = "{url}"')
