"""A person's browser without scripts, at the pages of a cabinet."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from demo.sample import FAMILY


def cookies_set(answer: TestResponse, name: str) -> list[str]:
    """The headers that set this cookie, of all that led to the answer."""
    headers = [header for each in [*answer.history, answer] for header in each.headers.getlist("Set-Cookie")]
    return [header for header in headers if name in header]


class Browser:
    """Follows links and sends forms as they are in the page that is open."""

    page: TestResponse

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    @property
    def text(self) -> str:
        return self.page.get_data(as_text=True)

    @property
    def path(self) -> str:
        return self.page.request.path

    @property
    def status(self) -> int:
        return self.page.status_code

    def find(self, pattern: str) -> str:
        """What stands in the page at the group of the pattern."""
        found = re.search(pattern, self.text, re.DOTALL)
        assert found, self.text
        return found[1]

    def hidden(self, name: str) -> str:
        """What the page sends along in the hidden field of this name."""
        return self.find(rf'name="{name}" value="(\w+)"')

    def problem(self, field: str) -> str:
        """What is said under the field."""
        return self.find(rf'id="{field}-problem"[^>]*>([^<]*)<')

    def one_time_password(self) -> str:
        """The digits with which the page has an app bound."""
        return self.find(r'id="one-time-password"[^>]*>([\d ]+)<').replace(" ", "")

    def open(self, path: str) -> TestResponse:
        self.page = self.client.get(path, base_url="https://codes.test", follow_redirects=True)
        return self.page

    def send(self, path: str | None = None, **fields: str) -> TestResponse:
        """Send a form to `path`, or to the page that is open."""
        self.page = self.client.post(
            path or self.path,
            data={"sent_by": self.hidden("sent_by")}
            | {name.replace("__", "-"): value for name, value in fields.items()},
            base_url="https://codes.test",
            follow_redirects=True,
            headers={"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"},
        )
        return self.page

    def panel_secret(self) -> str:
        """What the page that is open gives its panel."""
        return self.find(r'<pushhub-panel secret="(phs_\w+)"')

    def panel_state(self) -> dict[str, Any]:
        """What that panel shows."""
        answer = self.client.get("/panel/v1/state", headers={"Authorization": f"Bearer {self.panel_secret()}"})
        state: dict[str, Any] = answer.get_json()
        return state

    def shown_offer(self) -> dict[str, Any]:
        """The offer in the page that is open."""
        offer: dict[str, Any] = self.panel_state()["offer"]
        return offer

    def name_themselves(self, iin: str = FAMILY.iin) -> None:
        """The first step into INDIGO."""
        self.open("/cabinet/indigo/?lang=ru")
        self.send(iin=iin, consent__agreement="yes", consent__contact="yes")
        assert "/sign-in/" in self.path

    def sign_in(self, iin: str = FAMILY.iin, password: str = FAMILY.password) -> TestResponse:
        self.name_themselves(iin)
        return self.send(password=password)

    def forget_password(self, iin: str = FAMILY.iin) -> None:
        """From the first step to the recovery, or to the word that it can't be asked for now."""
        self.name_themselves(iin)
        self.send(f"{self.path}/forgotten")
