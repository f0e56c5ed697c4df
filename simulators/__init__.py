"""Simulated providers on the real wire: FCM and Huawei's Push Kit with their OAuth endpoints, APNs (two hosts), a push
service of browsers, an SMS gateway, a mail server.

For demonstrations, tests and rehearsals. They check what the providers check, record what arrived, and can
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
