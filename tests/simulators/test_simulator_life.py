"""Starting, stopping and starting again."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from simulators import Simulators, certificates
from simulators.serve import serve_forever
from tests.simulators.conftest import DEVICE, Sender, sync_client


def test_credentials_are_kept_over_a_restart(tmp_path: Path) -> None:
    with Simulators(tmp_path) as first:
        settings, ports = first.settings(), first.ports
        files = {path: path.read_bytes() for path in tmp_path.iterdir()}
        sender = Sender(first, sync_client(first))
        assert sender.apns().status == 200
    with Simulators(tmp_path, **ports) as second:
        assert second.settings() == settings
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
        assert sender.apns().status == 200  # the same client, the same provider token


def test_private_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    with Simulators(directory):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    private = {path.name for path in directory.iterdir() if b"PRIVATE KEY" in path.read_bytes()}
    assert private == {
        "apns-key.p8",
        "ca-key.pem",
        "server-key.pem",
        "service-account-key.pem",
        "service-account.json",
        "vapid-key.pem",
    }
    assert {modes[name] for name in (*private, "hms-client-secret.txt")} == {0o600}


def test_a_certificate_that_runs_out_is_replaced_by_the_same_authority(tmp_path: Path) -> None:
    before = certificates.prepare_certificates(tmp_path, "127.0.0.1", server_life=timedelta(days=10))
    ca, server = before.ca.read_bytes(), before.server.read_bytes()
    after = certificates.prepare_certificates(tmp_path, "127.0.0.1")
    assert after.ca.read_bytes() == ca
    assert after.server.read_bytes() != server
    server = after.server.read_bytes()
    assert certificates.prepare_certificates(tmp_path, "localhost").server.read_bytes() == server
    assert certificates.prepare_certificates(tmp_path, "push.test").server.read_bytes() != server


def test_a_damaged_key_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "apns-key.p8").write_text("nonsense")
    with pytest.raises(ValueError, match="is damaged: remove it"), Simulators(tmp_path):
        pass


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        simulators = Simulators(tmp_path, control_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"), simulators:
            pass
    with simulators:
        assert simulators.control_url.startswith("http://127.0.0.1:")


def test_the_inbox_keeps_the_newest_and_counts_the_rest(tmp_path: Path) -> None:
    with Simulators(tmp_path, keep=3) as sim:
        sender = Sender(sim, sync_client(sim))
        for _ in range(5):
            sender.apns()
        assert [each.seq for each in sim.arrived()] == [3, 4, 5]
        assert [each.seq for each in sim.arrived(after=4)] == [5]
        assert [each.seq for each in sim.arrived(target=DEVICE, limit=1)] == [3]
        assert sim.counts()["apns"].arrived == 5
    assert len(sim.arrived()) == 3  # readable after the end


def test_stopping_leaves_no_thread_and_no_open_connection(tmp_path: Path) -> None:
    threads = threading.active_count()
    with Simulators(tmp_path) as sim:
        port = int(sim.apns_url.rpartition(":")[2])
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
    with client:
        assert client.recv(1) == b""
    assert threading.active_count() == threads


def test_running_twice_at_once_is_a_mistake(tmp_path: Path) -> None:
    with Simulators(tmp_path) as sim, pytest.raises(RuntimeError, match="run already"):
        sim.__enter__()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_announces_its_settings_and_ends_by_signal(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path; from simulators.serve import serve_forever;"
        "serve_forever(Path(sys.argv[1]), announce=lambda line: print(line, flush=True))"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(22)]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert lines[0].startswith("Control API and help: http://127.0.0.1:")
    assert "PUSHHUB_SIMULATED=true\n" in lines


def test_serving_gives_the_signal_handlers_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    serve_forever(tmp_path, announce=lambda line: signal.raise_signal(signal.SIGTERM))
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.timeout(60)
def test_serving_ends_whichever_thread_is_handed_the_signal(tmp_path: Path) -> None:
    def signal_myself() -> None:
        time.sleep(0.3)  # the main thread waits by now; if it does not, the test is no less true
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    def announce(line: str) -> None:
        if line.startswith("Control API"):
            threading.Thread(target=signal_myself, daemon=True).start()

    serve_forever(tmp_path, announce=announce)
