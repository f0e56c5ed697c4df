"""`pushhub webhook`: where products are told of events."""

from __future__ import annotations

import click

from pushhub.commands.shared import application, as_json, show
from pushhub.kernel.clock import rfc3339
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products.products import find_product
from pushhub.webhooks import endpoints


@click.group("webhook")
def group() -> None:
    """Addresses of products that are told what happened."""


@group.command("list")
@click.option("--product", "name", required=True, help="The product's name.")
@as_json
def list_all(name: str, as_json: bool) -> None:
    """The webhooks of a product, with why one is disabled."""
    with application():
        found = endpoints.webhooks_of(find_product(name).id)
    document = [
        {
            "id": public_id(Prefix.WEBHOOK, webhook.id),
            "kind": "live" if webhook.live else "test",
            "url": webhook.url,
            "events": webhook.tags,
            "enabled": webhook.disabled_at is None,
            "disabled_reason": webhook.disabled_reason,
            "disabled_at": rfc3339(webhook.disabled_at) if webhook.disabled_at else None,
            "created_at": rfc3339(webhook.created_at),
        }
        for webhook in found
    ]

    def lines() -> list[str]:
        return [
            f"{entry['id']}  {entry['kind']}  "
            f"{'enabled' if entry['enabled'] else 'disabled: ' + str(entry['disabled_reason'])}  {entry['url']}"
            for entry in document
        ]

    show(document, as_json, lines)


@group.command()
@click.argument("webhook_id")
def enable(webhook_id: str) -> None:
    """Tell the webhook with this id (`whk_…`, see `webhook list`) again of what happens from now on."""
    with application():
        endpoints.enable_webhook(parse_id(Prefix.WEBHOOK, webhook_id))
    click.echo(f"{webhook_id} is enabled.")
