"""Customers behind HTTP: two questions, JSON in and out (docs/customers.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pushhub.customers.contract import Customer, Found, Standing, money, normal_contract
from pushhub.identity.iin import TaxId
from pushhub.identity.login import normal_login
from pushhub.kernel import clock
from pushhub.kernel.errors import CustomersUnavailable
from pushhub.kernel.http_json import JsonService


class HttpCustomers:
    """Asks the service at `url`, with the secret of `secret_file` as a bearer, if there is one."""

    def __init__(self, url: str, secret_file: Path | None = None) -> None:
        remedy = "Correct secret_file in the profile's [customers]."
        self._service = JsonService("customer service", url, CustomersUnavailable, secret_file, remedy=remedy)

    def find(self, contract: str, tax_id: TaxId) -> Found:
        asked = {"contract": contract, "normal_contract": normal_contract(contract), "tax_id": tax_id.digits}

        def read(document: dict[str, Any]) -> Found:
            found = document["customer"]
            if found is None:
                return Found(contract_known=True)
            return Found(contract_known=True, customer=_customer(found, tax_id))

        return self._service.ask("customers", asked, read) or Found(contract_known=False)

    def standing(self, account: str) -> Standing | None:
        return self._service.ask("standings", {"account": account}, _standing)


def _customer(document: dict[str, Any], tax_id: TaxId) -> Customer:
    if TaxId.parse(_text(document["tax_id"]), clock.now().date()) != tax_id:
        raise ValueError("a customer with another tax id than the one asked for")
    account, contract = _text(document["account"]), _text(document["contract"])
    normal_login(account)  # nobody could sign in with anything else
    return Customer(account, contract, tax_id, _text(document["name"]))


def _standing(document: dict[str, Any]) -> Standing:
    balance = document.get("balance")
    return Standing(
        _text(document["account"]),
        _text(document["contract"]),
        None if balance is None else money(balance),
        _text(document.get("currency", "KZT")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError("a text is expected")
    return value.strip()
