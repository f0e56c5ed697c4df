"""`pushhub device`: the reference device on the command line."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from pushhub.commands.shared import as_json, current_settings, show
from pushhub.kernel.errors import ConfigurationError
from reference_device import ReferenceDevice, Refused, http_transport
from reference_device.state import load_device, save_device

Command = TypeVar("Command", bound=Callable[..., Any])


def _on_a_device(command: Command) -> Command:
    """Give the command its device, and turn refusals into a sentence and exit code 1."""

    @click.option("--server", help="Address of the service; that of the settings if left out.")
    @click.option(
        "--state",
        type=click.Path(path_type=Path),
        default=Path("var/device.json"),
        show_default=True,
        help="File that is the device; another file is another phone.",
    )
    @wraps(command)
    def with_device(server: str | None, state: Path, **options: Any) -> None:
        address = (server or current_settings().public_url).rstrip("/")
        try:
            device = load_device(state, address, http_transport())
            command(device, **options)
            save_device(state, device)
        except (ValueError, ConnectionError) as problem:
            raise ConfigurationError(str(problem)) from problem
        except Refused as refusal:
            click.echo(f"refused: {refusal}", err=True)
            if "retry_at" in refusal.problem:
                click.echo(f"possible from: {refusal.problem['retry_at']}", err=True)
            sys.exit(1)

    return with_device  # type: ignore[return-value]


@click.group("device")
def group() -> None:
    """The reference device: a phone without a screen, against the same API as the apps."""


@group.command()
@click.option("--number", help="The phone number, with --password.")
@click.option("--password", help="The 12 digits that the cabinet shows, with --number.")
@click.option("--qr", help="The link in the QR code, in place of number and password.")
@click.option(
    "--platform", type=click.Choice(["android", "ios", "huawei", "web"]), default="android", show_default=True
)
@as_json
@_on_a_device
def bind(
    device: ReferenceDevice,
    number: str | None,
    password: str | None,
    qr: str | None,
    platform: str,
    as_json: bool,
) -> None:
    """Bind this device to a number."""
    if (qr is None) == (number is None or password is None):
        raise ConfigurationError("Give either --number and --password, or --qr.")
    device.platform = platform
    device.push_target = _push_target(device, platform)
    made = device.bind(number=number, password=password, qr=qr)
    document = {"binding": made["binding"], "device": {"id": made["device"]["id"]}}
    show(document, as_json, lambda: [f"Bound to {made['binding']['number']} ({made['binding']['id']})."])


def _push_target(device: ReferenceDevice, platform: str) -> dict[str, str]:
    # A phone without a screen has no push service. Simulated providers take any address, so that the whole
    # way of a push is walked; with real ones the device asks for its feed.
    if not device.config()["simulated_push"]:
        return {"kind": "poll"}
    if platform == "ios":
        return {"kind": "apns", "value": uuid.uuid4().hex * 2}
    return {"kind": "fcm_token", "value": f"reference-{uuid.uuid4().hex}"}


@group.command()
@as_json
@_on_a_device
def status(device: ReferenceDevice, as_json: bool) -> None:
    """Whether this device is bound, and to which number."""
    never: dict[str, Any] = {"bound": False, "binding": None, "ended": None}
    state = device.binding() if device.secret is not None else never
    show(state, as_json, lambda: [f"Bound to {state['binding']['number']}." if state["bound"] else "Not bound."])


@group.command()
@as_json
@_on_a_device
def feed(device: ReferenceDevice, as_json: bool) -> None:
    """Codes and notifications on this device, oldest first. Never shows a code: `reveal` does."""
    _require_binding(device)
    items = device.feed()
    show(
        {"items": items},
        as_json,
        lambda: [f"{item['delivery_id']}  {item['kind']:12} {item['title']}: {item['body']}" for item in items],
    )


@group.command()
@click.argument("delivery_id", required=False)
@as_json
@_on_a_device
def reveal(device: ReferenceDevice, delivery_id: str | None, as_json: bool) -> None:
    """Open a message (the newest code if none is named). For a code this shows the digits and arms it."""
    _require_binding(device)
    if delivery_id is None:
        codes = [item["delivery_id"] for item in device.feed() if item["kind"] == "code"]
        if not codes:
            raise ConfigurationError("There is no code in this device's feed yet.")
        delivery_id = codes[-1]
    opened = device.reveal(delivery_id)
    device.acknowledge([delivery_id], "seen")
    over = "This code is over: it was used, cancelled, guessed wrongly too often, or its time ran out."
    text = over if opened["kind"] == "code" else opened["body"]
    show(opened, as_json, lambda: [opened.get("code") or text])


def _require_binding(device: ReferenceDevice) -> None:
    if device.secret is None:
        raise ConfigurationError(
            "This device is bound to no number yet: pushhub device bind --number +7… --password <the 12 digits>"
        )


@group.command()
@_on_a_device
def unbind(device: ReferenceDevice) -> None:
    """Let the number go."""
    _require_binding(device)
    device.unbind()
    click.echo("This device is bound to no number now.")
