"""One of two dispatchers can't send: its credentials are refused."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.faults.conftest import Reckon
from tests.faults.environment import FaultEnvironment


def test_a_dispatcher_whose_credentials_are_refused_leaves_its_codes_to_the_others(
    environment: FaultEnvironment, reckon: Reckon, tmp_path: Path
) -> None:
    revoked = _with_another_key(
        Path(environment.providers.settings()["PUSHHUB_FCM_CREDENTIALS"]), tmp_path / "revoked.json"
    )
    _, owner = environment.start_dispatcher(settings={"PUSHHUB_FCM_CREDENTIALS": str(revoked)})
    environment.start_dispatchers(1)
    environment.providers.script(times=None, delay=0.3)
    asking = environment.ask_for_all()
    environment.wait_until(lambda: environment.held_by(owner), 20, "the dispatcher with the revoked key to take part")
    ledger = reckon("one dispatcher's FCM key is revoked", asking.finish(), seconds=40)
    assert not ledger.doubled


def _with_another_key(account: Path, changed: Path) -> Path:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    changed.write_text(json.dumps({**json.loads(account.read_text()), "private_key": pem}))
    return changed
