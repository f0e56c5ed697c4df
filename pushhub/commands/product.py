"""`pushhub product`: products, their keys, their policies."""

from __future__ import annotations

import json
from typing import Any

import click

from pushhub.commands.shared import application, as_json, show
from pushhub.kernel.clock import rfc3339
from pushhub.kernel.errors import ConfigurationError
from pushhub.kernel.ids import Prefix, parse_id, public_id
from pushhub.products import products
from pushhub.products.models import ApiKey
from pushhub.products.rules import Scope, policy_document, policy_from


@click.group("product")
def group() -> None:
    """Who may ask for codes: products, their API keys, their policies."""


def _policy(changes: tuple[str, ...]) -> dict[str, Any]:
    policy = {}
    for change in changes:
        name, given, value = change.partition("=")
        if not given:
            raise ConfigurationError(f"Write a policy as name=value, for example code_digits=6; not {change!r}.")
        try:
            policy[name] = json.loads(value)
        except json.JSONDecodeError:
            policy[name] = value
    return policy


@group.command()
@click.option("--name", required=True, help="The name that people see on the phone.")
@click.option("--policy", multiple=True, metavar="NAME=VALUE", help="What differs from the default policy.")
@as_json
def create(name: str, policy: tuple[str, ...], as_json: bool) -> None:
    """Make a product with one live and one test key. The keys are shown this one time."""
    with application(with_channels=True):
        made = products.create_product(name, _policy(policy))
    document = {
        "id": public_id(Prefix.PRODUCT, made.product.id),
        "name": made.product.name,
        "live_key": made.live_key.text,
        "test_key": made.test_key.text,
    }
    show(document, as_json, lambda: [f"{title:9} {text}" for title, text in document.items()])


@group.command("list")
@as_json
def list_all(as_json: bool) -> None:
    """All products with their keys (never the keys' text) and policies."""
    with application():
        listed = products.list_products()
    document = [
        {
            "id": public_id(Prefix.PRODUCT, product.id),
            "name": product.name,
            "policy": policy_document(policy_from(product.policy)),
            "keys": [_key_document(key) for key in keys],
        }
        for product, keys in listed
    ]
    show(document, as_json, lambda: [_product_line(product) for product in document])


def _key_document(key: ApiKey) -> dict[str, Any]:
    return {
        "id": public_id(Prefix.API_KEY, key.id),
        "kind": "live" if key.live else "test",
        "scopes": key.scopes,
        "created_at": rfc3339(key.created_at),
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }


def _product_line(product: dict[str, Any]) -> str:
    keys = [f"    {key['id']}  {key['kind']}  {'revoked' if key['revoked_at'] else 'valid'}" for key in product["keys"]]
    return "\n".join([f"{product['name']}  {product['id']}", *keys])


@group.command()
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@as_json
def policy(name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Change the policy of the product NAME, for example: code_digits=6 'countries=["KZ", "KG"]'."""
    with application(with_channels=True):
        changed = policy_document(products.set_policy(products.find_product(name).id, _policy(changes)))
    show(changed, as_json, lambda: [f"{title:22} {value}" for title, value in changed.items()])


@group.group()
def key() -> None:
    """API keys. Two of a kind can be valid at once, so that they can be exchanged without a pause."""


@key.command()
@click.option("--product", "name", required=True, help="The product's name.")
@click.option("--test", is_flag=True, help="A test key, which reaches nobody.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(list(Scope)), help="What it may do; all by default."
)
@as_json
def add(name: str, test: bool, scopes: tuple[str, ...], as_json: bool) -> None:
    """Give a product one more key. It is shown this one time."""
    with application():
        made = products.add_key(products.find_product(name).id, live=not test, scopes=scopes or tuple(Scope))
    document = {"id": public_id(Prefix.API_KEY, made.id), "kind": "test" if test else "live", "key": made.text}
    show(document, as_json, lambda: [f"{title:5} {text}" for title, text in document.items()])


@key.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Make the key with this id (`key_…`, see `product list`) worthless from now on."""
    with application():
        products.revoke_key(parse_id(Prefix.API_KEY, key_id))
    click.echo(f"Revoked {key_id}.")
