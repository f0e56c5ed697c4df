"""The product's customers that a profile names."""

from __future__ import annotations

from pathlib import Path

from pushhub.customers.contract import Customers
from pushhub.customers.embedded import EmbeddedCustomers
from pushhub.customers.http import HttpCustomers
from pushhub.kernel.errors import ConfigurationError


def configured_customers(
    file: Path | None = None, url: str | None = None, secret_file: Path | None = None
) -> Customers:
    """Raises `ConfigurationError` where the file or the secret can't be used, or not one of file and URL is named."""
    if file is not None and url is None:
        return EmbeddedCustomers(file)
    if url is not None and file is None:
        return HttpCustomers(url, secret_file)
    raise ConfigurationError("[customers] takes a file or a url: one of the two.")
