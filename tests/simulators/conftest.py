"""Running simulators and clients of other people's making that talk to them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2 import service_account
from joserfc import jwt
from joserfc.jwk import ECKey
from pyreqwest.client import ClientBuilder, SyncClient, SyncClientBuilder
from pyreqwest.response import SyncResponse

from simulators import Simulators

ALERT: dict[str, Any] = {"aps": {"alert": {"title": "Confirmation", "body": "Open the app"}}}
DEVICE = "ab" * 32


@dataclass
class Clock:
    """The real time, moved by `offset` seconds."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@dataclass
class Sender:
    """A well-behaved sender; every header and claim can be spoiled."""

    sim: Simulators
    client: SyncClient
    settings: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.sim.settings()

    def make_jwt(self, *, age: float = 0, key: ECKey | None = None, alg: str = "ES256", **parts: Any) -> str:
        """A JWT as Apple wants it; `kid`, `iss` and `iat` may be given, None leaves one out."""
        header = {"alg": alg, "kid": parts.get("kid", self.settings["PUSHHUB_APNS_KEY_ID"])}
        claims = {
            "iss": parts.get("iss", self.settings["PUSHHUB_APNS_TEAM_ID"]),
            "iat": parts.get("iat", int(time.time() - age)),
        }
        own = ECKey.import_key(Path(self.settings["PUSHHUB_APNS_KEY"]).read_bytes())
        return jwt.encode(
            {name: value for name, value in header.items() if value is not None},
            {name: value for name, value in claims.items() if value is not None},
            key or own,
        )

    def apns(
        self,
        target: str = DEVICE,
        payload: Any = ALERT,
        *,
        url: str | None = None,
        path: str | None = None,
        method: str = "POST",
        provider_jwt: str | None = None,
        drop: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> SyncResponse:
        """One push to APNs; `provider_jwt` goes in place of our own, `payload` bytes or what becomes JSON."""
        wanted = {
            "authorization": f"bearer {provider_jwt or self.provider_jwt}",
            "apns-topic": self.settings["PUSHHUB_APNS_TOPIC"],
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": "0",
            "apns-id": str(uuid.uuid4()),
            **(headers or {}),
        }
        for name in drop:
            wanted.pop(name)
        address = (url or self.sim.apns_url) + (f"/3/device/{target}" if path is None else path)
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.client.request(method, address).headers(wanted).body_bytes(body).build().send()

    @property
    def provider_jwt(self) -> str:
        """A provider token that is used again and again, as Apple demands."""
        if not hasattr(self, "_provider_jwt"):
            self._provider_jwt = self.make_jwt()
        return self._provider_jwt

    def fcm(self, message: Any, access_token: str, *, body: Any = None, project: str = "") -> SyncResponse:
        """One message to FCM."""
        url = f"{self.sim.fcm_url}/v1/projects/{project or self.sim.project}/messages:send"
        request = self.client.post(url).bearer_auth(access_token)
        return request.body_json({"message": message} if body is None else body).build().send()

    def new(self) -> Sender:
        """The same sender on a connection of its own."""
        return Sender(self.sim, sync_client(self.sim))


def sync_client(sim: Simulators) -> SyncClient:
    pem = sim.ca_path.read_bytes()
    return SyncClientBuilder().http2(True).add_root_certificate_pem(pem).build()


def async_client_builder(sim: Simulators) -> ClientBuilder:
    return ClientBuilder().http2(True).add_root_certificate_pem(sim.ca_path.read_bytes())


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Simulators]:
    with Simulators(tmp_path_factory.mktemp("simulators"), clock=clock) as sim:
        yield sim


@pytest.fixture
def sim(running: Simulators, clock: Clock) -> Iterator[Simulators]:
    clock.offset = 0.0
    running.clear()
    yield running
    running.clear()


@pytest.fixture
def sender(sim: Simulators) -> Sender:
    return Sender(sim, sync_client(sim))


@pytest.fixture
def google_session(sim: Simulators) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # a REQUESTS_CA_BUNDLE in the environment would win over `verify`
        session.verify = str(sim.ca_path)
        yield session


@pytest.fixture
def access_token(sim: Simulators, google_session: requests.Session) -> str:
    """Fetched by google-auth from the simulated token endpoint."""
    credentials = service_account.Credentials.from_service_account_file(
        sim.settings()["PUSHHUB_FCM_CREDENTIALS"],
        scopes=["https://www.googleapis.com/auth/firebase.messaging"],
    )
    credentials.refresh(GoogleRequest(google_session))
    return str(credentials.token)


@pytest.fixture
def control(sim: Simulators) -> Callable[..., tuple[int, Any]]:
    """Call the control API with another HTTP client: `control("GET", "/arrived")`."""

    def call(method: str, path: str, value: Any = None, **kwargs: Any) -> tuple[int, Any]:
        response = requests.request(method, sim.control_url + path, json=value, timeout=30, **kwargs)
        return response.status_code, response.json()

    return call
