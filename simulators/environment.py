"""Where the simulators are, and the settings with which pushhub sends to them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from simulators.credentials import APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC, HMS_APP_ID, MAIL_FROM, VAPID_SUBJECT
from simulators.hms import TOKEN_PATH

if TYPE_CHECKING:
    from simulators.credentials import Credentials
    from simulators.servers import Simulators


def address(host: str, port: int) -> str:
    """`host:port`, as a client on this machine writes it."""
    name = host
    try:
        if ipaddress.ip_address(host).is_unspecified:
            name = "127.0.0.1"
    except ValueError:
        pass
    return f"{f'[{name}]' if ':' in name else name}:{port}"


def settings(simulators: Simulators, credentials: Credentials) -> dict[str, str]:
    """The environment of a pushhub all of whose channels end at `simulators`."""
    return {
        "PUSHHUB_FCM_CREDENTIALS": str(credentials.service_account),
        "PUSHHUB_FCM_URL": simulators.fcm_url,
        "PUSHHUB_APNS_KEY": str(credentials.apns_key),
        "PUSHHUB_APNS_KEY_ID": APNS_KEY_ID,
        "PUSHHUB_APNS_TEAM_ID": APNS_TEAM_ID,
        "PUSHHUB_APNS_TOPIC": APNS_TOPIC,
        "PUSHHUB_APNS_URL": simulators.apns_url,
        "PUSHHUB_APNS_SANDBOX_URL": simulators.apns_sandbox_url,
        "PUSHHUB_HMS_APP_ID": HMS_APP_ID,
        "PUSHHUB_HMS_SECRET": str(credentials.hms_secret),
        "PUSHHUB_HMS_URL": simulators.hms_url,
        "PUSHHUB_HMS_OAUTH_URL": simulators.hms_url + TOKEN_PATH,
        "PUSHHUB_VAPID_KEY": str(credentials.vapid_key),
        "PUSHHUB_VAPID_SUBJECT": VAPID_SUBJECT,
        "PUSHHUB_WEBPUSH_HOSTS": simulators.webpush_url.removeprefix("https://"),
        "PUSHHUB_SMS_URL": simulators.sms_url,
        "PUSHHUB_SMTP_URL": simulators.smtps_url,
        "PUSHHUB_MAIL_FROM": MAIL_FROM,
        "PUSHHUB_PROVIDER_CA": str(simulators.ca_path),
        "PUSHHUB_SIMULATED": "true",
        "PUSHHUB_SIMULATOR_URL": simulators.control_url,
    }
