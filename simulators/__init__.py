"""Simulated push providers on the real wire: APNs (two hosts) and FCM HTTP v1 with its OAuth endpoint.

For demonstrations, tests and rehearsals. They check what Apple and Google check, record what arrived, and can
be scripted to refuse, delay, hang, reset and go away. They deliver nothing to any phone.

    with Simulators(Path("var/simulators")) as sim:
        environment = {**os.environ, **sim.settings()}
        sim.script(provider="fcm", reason="UNREGISTERED", target=target)
        ...
        assert sim.arrived(provider="fcm")[0].status == 404
"""

from simulators.inbox import DEFAULT_KEEP, Arrival, Count
from simulators.scripts import Fault, Script
from simulators.servers import Simulators

__all__ = ["DEFAULT_KEEP", "Arrival", "Count", "Fault", "Script", "Simulators"]
