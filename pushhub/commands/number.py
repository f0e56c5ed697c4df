"""`pushhub number`: the operator's hand."""

from __future__ import annotations

import click

from pushhub.binding.bind import unbind_number
from pushhub.commands.shared import application, as_json, show
from pushhub.delivery.history import codes_of
from pushhub.devices.reachability import look_up_reachability
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.clock import rfc3339
from pushhub.kernel.ids import Prefix, public_id


@click.group("number")
def group() -> None:
    """Look up a number, take it from a lost phone."""


@group.command("show")
@click.argument("number")
@as_json
def show_number(number: str, as_json: bool) -> None:
    """Whether NUMBER can be reached, and what became of its latest codes."""
    phone = PhoneNumber.parse(number)
    with application(with_channels=True):
        reach, codes = look_up_reachability(phone), codes_of(phone)
    document = {
        "number": phone.masked,
        "reachable": reach.reachable,
        "reason": reach.reason,
        "bound_at": rfc3339(reach.bound_at) if reach.bound_at else None,
        "device": (
            {"platform": reach.platform, "model": reach.model, "channel": reach.channel} if reach.device_id else None
        ),
        "deliveries": [
            {
                "id": public_id(Prefix.DELIVERY, entry.delivery.id),
                "channel": entry.delivery.channel,
                "status": entry.delivery.status,
                "error": entry.delivery.error,
                "created_at": rfc3339(entry.delivery.created_at),
                "tries": len(entry.attempts),
            }
            for entry in codes
        ],
    }

    def lines() -> list[str]:
        state = "reachable" if reach.reachable else f"not reachable: {reach.reason}"
        return [
            f"{phone.masked}  {state}",
            *(
                f"  {rfc3339(entry.delivery.created_at)}  {entry.delivery.channel:9} {entry.delivery.status:9} "
                f"{len(entry.attempts)} tries  {entry.delivery.error or ''}".rstrip()
                for entry in codes
            ),
        ]

    show(document, as_json, lines)


@group.command()
@click.argument("number")
@click.option("--reason", required=True, help="Why; it is kept with the event.")
def unbind(number: str, reason: str) -> None:
    """Take NUMBER from the device that has it; the device is told."""
    phone = PhoneNumber.parse(number)
    with application():
        unbind_number(phone, reason=reason)
    click.echo(f"{phone.masked} is bound to no device now.")
