"""Every setting, as one table. They are read from `PUSHHUB_*` variables once, at start.

A name that is not in the table, a missing one, or a value that can't be used stops the start with a
sentence for each. `docs/settings.md` lists the same table; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.http_values import host_and_port

_REQUIRED = object()
#: Where the browsers of Google, Mozilla, Apple and Microsoft have their push services.
PUBLIC_PUSH_HOSTS = ("fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com")


def _text(value: str) -> str:
    return value


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in value.split(",")) if name)


def _path(value: str) -> Path:
    return Path(value).expanduser()


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value.lower() == "true"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return read


def _https(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an https:// address without a query")
    return value.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.rstrip("/") or parts.query:
        raise ValueError("must be the address people use, such as https://codes.example.kz, without a path")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("must start with https:// (http:// is for 127.0.0.1 only)")
    # As browsers write it: proofs name the address, and are compared with this text.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    standard = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" if standard else f"{parts.scheme}://{host}:{parts.port}"


def _app_id(value: str) -> str:
    if not value.isascii() or not value.isalnum():  # it becomes part of an address
        raise ValueError("must be letters and digits")
    return value


def _contact(value: str) -> str:
    if not value.startswith(("mailto:", "https://")):
        raise ValueError("must start with mailto: or https://")
    return value


def _hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(entry.strip().lower() for entry in value.split(","))
    try:
        for host in hosts:
            host_and_port(host)
    except ValueError:
        raise ValueError("must be hosts separated by commas, such as fcm.googleapis.com,push.apple.com") from None
    return hosts


def _setting(read: Callable[[str], Any], default: Any, help: str, *, shown: bool = True) -> Any:
    return field(repr=shown, metadata={"read": read, "default": default, "help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process."""

    database_url: str = _setting(
        _text, _REQUIRED, "SQLAlchemy address: `sqlite:////path/to/file.db` or `postgresql+psycopg://…`.", shown=False
    )
    key_file: Path = _setting(
        _path, _REQUIRED, "File with the sealing keys (`pushhub keys create`), mode 0600, kept out of the database."
    )
    public_url: str = _setting(
        _public_url, _REQUIRED, "The address under which phones and people reach the service, without a path."
    )
    app_link: str | None = _setting(
        _https,
        None,
        "The https link that opens the companion app; QR codes hold it. Left out: `/app/bind` on the host of "
        "PUSHHUB_PUBLIC_URL.",
    )
    host: str = _setting(_text, "127.0.0.1", "Address to listen on.")
    port: int = _setting(_whole(1, 65535), 8080, "Port to listen on.")
    workers: int = _setting(_whole(1, 64), 1, "gunicorn worker processes. More than one is for PostgreSQL.")
    threads: int = _setting(_whole(1, 256), 16, "Threads in each worker process.")
    trusted_proxies: int = _setting(
        _whole(0, 5), 0, "How many reverse proxies in front set X-Forwarded-For; 0 ignores the header."
    )
    dispatcher: str = _setting(
        _one_of("embedded", "external"),
        "embedded",
        "`embedded` delivers inside the service; `external` leaves it to `pushhub dispatch` processes.",
    )
    start_page: bool = _setting(
        _flag,
        False,
        "Serve the start page, on which anybody can ask for codes and bind numbers. For trying out; never in public.",
    )
    log_level: str = _setting(_one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "The least level that is logged.")
    fcm_credentials: Path | None = _setting(
        _path, None, "Service-account JSON of the Firebase project; without it there is no `fcm` channel."
    )
    fcm_url: str = _setting(_https, "https://fcm.googleapis.com", "Where FCM is.")
    apns_key: Path | None = _setting(_path, None, "The `.p8` signing key; without it there is no `apns` channel.")
    apns_key_id: str | None = _setting(_text, None, "Key id of that key (10 characters).")
    apns_team_id: str | None = _setting(_text, None, "Apple team id (10 characters).")
    apns_topic: str | None = _setting(_text, None, "Bundle id of the companion app.")
    apns_url: str = _setting(_https, "https://api.push.apple.com", "Where APNs is.")
    apns_sandbox_url: str = _setting(_https, "https://api.sandbox.push.apple.com", "Where the APNs sandbox is.")
    hms_app_id: str | None = _setting(
        _app_id, None, "App id in AppGallery Connect; without it there is no `hms` channel (Huawei Push Kit)."
    )
    hms_secret: Path | None = _setting(_path, None, "File with that app's client secret.")
    hms_url: str = _setting(_https, "https://push-api.cloud.huawei.com", "Where Push Kit is.")
    hms_oauth_url: str = _setting(
        _https, "https://oauth-login.cloud.huawei.com/oauth2/v3/token", "Where Huawei gives credentials."
    )
    vapid_key: Path | None = _setting(
        _path,
        None,
        "PEM file with an EC P-256 private key (`openssl ecparam -name prime256v1 -genkey -noout`); without it there "
        "is no `webpush` channel (browsers).",
    )
    vapid_subject: str | None = _setting(
        _contact, None, "How a push service reaches the operator: `mailto:…` or `https://…`."
    )
    webpush_hosts: tuple[str, ...] = _setting(
        _hosts,
        PUBLIC_PUSH_HOSTS,
        "Push services that are sent to, with all hosts below them, separated by commas. `host:port` where the port is "
        "not 443.",
    )
    sms_url: str | None = _setting(
        _text,
        None,
        "The SMS gateway as an Apprise URL in which `{number}` stands for the receiver's +7701…, or `{digits}` for "
        "7701…; without it there is no `sms` channel.",
        shown=False,
    )
    smtp_url: str | None = _setting(
        _text,
        None,
        "The mail server: `smtps://user:password@host:465`, or `smtp://…:587`, which demands STARTTLS unless the host "
        "is this machine; without it there is no `email` channel, and cabinets send no letters.",
        shown=False,
    )
    mail_from: str | None = _setting(_text, None, "In whose name mail is sent: `INDIGO <no-reply@example.kz>`.")
    provider_ca: Path | None = _setting(
        _path,
        None,
        "PEM file of a further certificate authority for push providers, the mail server and webhooks (the "
        "simulators have their own).",
    )
    webhook_private_addresses: bool = _setting(
        _flag,
        False,
        "Let products register webhooks at private addresses, and with http:// on this machine. For trying out, and "
        "where only your own systems are integrated.",
    )
    simulated: bool = _setting(
        _flag, False, "The providers are the project's simulators: pages say so, and the web phone takes part."
    )
    simulator_url: str | None = _setting(_text, None, "Control address of the simulators.")
    offer_seconds: int = _setting(_whole(60, 3600), 600, "Life of an offer to bind, in seconds.")
    offer_step_seconds: int = _setting(_whole(30, 60), 30, "How long one binding password is shown, in seconds.")
    rebind_days: int = _setting(_whole(1, 365), 30, "Days between two bindings of a device to different numbers.")
    codes_per_10_minutes: int = _setting(_whole(1, 1000), 5, "Codes sent to one number in 10 minutes, all products.")
    codes_per_day: int = _setting(_whole(1, 10000), 10, "Codes sent to one number in 24 hours, all products.")
    codes_per_client_per_hour: int = _setting(
        _whole(1, 10000), 10, "Codes asked for from one `client.ip` in an hour, all products."
    )
    bind_failures_per_hour: int = _setting(
        _whole(1, 10000), 20, "Wrong binding passwords from one network address in an hour."
    )
    cabinets: tuple[str, ...] = _setting(
        _names,
        (),
        "Profiles of the cabinets to serve, with commas between: names of profiles that come with pushhub (`indigo`) "
        "or paths of TOML files.",
    )
    registry_url: str | None = _setting(
        _public_url, None, "Address of the register of citizens that cabinets ask (docs/registry.md), without a path."
    )
    registry_secret: Path | None = _setting(_path, None, "File with the secret that the register wants as a bearer.")
    registry_file: Path | None = _setting(
        _path, None, "TOML file that stands in for the register, for trying out (docs/registry.md)."
    )
    android_store_link: str | None = _setting(_https, None, "The companion app in Google Play, for the app's config.")
    ios_store_link: str | None = _setting(_https, None, "The companion app in the App Store, for the app's config.")

    @property
    def engine_is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of the table: the variable, its default (None: required) and what it is for."""

    variable: str
    default: str | None
    required: bool
    help: str


def variable_of(name: str) -> str:
    """The environment variable of a field: `public_url` → `PUSHHUB_PUBLIC_URL`."""
    return f"PUSHHUB_{name.upper()}"


def table() -> list[SettingRow]:
    """All settings in order, for the documentation."""
    rows = []
    for entry in fields(Settings):
        default = entry.metadata["default"]
        shown = None if default is _REQUIRED or default in (None, ()) else str(default).replace("False", "false")
        rows.append(SettingRow(variable_of(entry.name), shown, default is _REQUIRED, entry.metadata["help"]))
    return rows


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read `PUSHHUB_*` from `environ`. Raises `ConfigurationError` that names every problem at once."""
    known = {variable_of(entry.name) for entry in fields(Settings)}
    problems = [
        f"{name} is not a setting. Correct its name or remove it; docs/settings.md lists them all."
        for name in sorted(environ)
        if name.startswith("PUSHHUB_") and name not in known
    ]
    values: dict[str, Any] = {}
    for entry in fields(Settings):
        variable, default = variable_of(entry.name), entry.metadata["default"]
        given = environ.get(variable, "")
        if given:
            try:
                values[entry.name] = entry.metadata["read"](given)
            except ValueError as problem:
                problems.append(f"{variable} {problem}.")
        elif default is _REQUIRED:
            problems.append(f"{variable} is missing. Set it: {entry.metadata['help']}")
        else:
            values[entry.name] = default
    if not problems:
        problems = _contradictions(values)
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Settings(**values)


#: Settings of which all are set or none.
_TOGETHER = (
    ("APNs needs all of its four", ("apns_key", "apns_key_id", "apns_team_id", "apns_topic")),
    ("Push Kit needs both of its", ("hms_app_id", "hms_secret")),
    ("Web push needs both of its", ("vapid_key", "vapid_subject")),
    ("Mail needs both of its", ("smtp_url", "mail_from")),
)


def together_with(name: str) -> tuple[str, ...]:
    """The settings of which all are set or none, where this is one of them; else this one alone."""
    return next((names for _, names in _TOGETHER if name in names), (name,))


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    problems = []
    url = values["database_url"]
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        problems.append("PUSHHUB_DATABASE_URL must start with sqlite:/// or postgresql+psycopg://.")
    if url.startswith("sqlite") and values["workers"] > 1:
        problems.append("PUSHHUB_WORKERS must be 1 with SQLite. Use PostgreSQL for several processes.")
    if values["registry_url"] and values["registry_file"]:
        problems.append("Set PUSHHUB_REGISTRY_URL or PUSHHUB_REGISTRY_FILE, not both.")
    for whose, names in _TOGETHER:
        missing = [variable_of(name) for name in names if values[name] is None]
        if missing and len(missing) < len(names):
            problems.append(f"{whose} settings; missing: {', '.join(missing)}.")
    return problems
