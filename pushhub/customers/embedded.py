"""Customers in a TOML file: for trying out, and for a product that exports a list now and then.

[[customers]]
account = "4445"            # the account number, with which the customer signs in
contract = "КТС-КТС-14"
tax_id = "040640005018"     # IIN or BIN
name = "ТОО «Астра»"
balance = "1425.00"         # may be left out: nothing is shown
currency = "KZT"            # KZT where it is left out
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pushhub.customers.contract import Customer, Found, Standing, money, normal_contract
from pushhub.identity.iin import TaxId, WrongDigits
from pushhub.identity.login import NotALogin, normal_login
from pushhub.kernel import clock
from pushhub.kernel.errors import ConfigurationError

_KNOWN = frozenset({"account", "contract", "tax_id", "name", "balance", "currency"})


class EmbeddedCustomers:
    """The customers of one file. Raises `ConfigurationError` that names the file, the entry and what to do."""

    def __init__(self, path: Path) -> None:
        self._by_contract: dict[str, Customer] = {}
        self._standings: dict[str, Standing] = {}
        logins = set[str]()
        for place, entry in enumerate(_entries(path), 1):
            customer, standing = _read(path, f"customers entry {place}", entry)
            contract = normal_contract(customer.contract)
            if contract in self._by_contract:
                raise ConfigurationError(f"{path}, customers entry {place}: an entry before it has this contract.")
            login = normal_login(customer.account).casefold()
            if login in logins:
                raise ConfigurationError(f"{path}, customers entry {place}: an entry before it has this account.")
            self._by_contract[contract] = customer
            self._standings[customer.account] = standing
            logins.add(login)

    def find(self, contract: str, tax_id: TaxId) -> Found:
        customer = self._by_contract.get(normal_contract(contract))
        if customer is None:
            return Found(contract_known=False)
        return Found(contract_known=True, customer=customer if customer.tax_id == tax_id else None)

    def standing(self, account: str) -> Standing | None:
        return self._standings.get(account)


def _entries(path: Path) -> list[Any]:
    try:
        document = tomllib.loads(path.read_text(), parse_float=Decimal)
    except OSError as problem:
        raise ConfigurationError(f"The customers {path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"The customers {path} are not TOML: {problem}.") from None
    entries = document.get("customers", [])
    if set(document) - {"customers"} or not isinstance(entries, list):
        raise ConfigurationError(f"{path}: write each customer below a line [[customers]]; nothing else stands there.")
    return entries


def _read(path: Path, where: str, entry: Any) -> tuple[Customer, Standing]:
    try:
        return _customer(entry)
    except KeyError as problem:
        raise ConfigurationError(f"{path}, {where}: {problem.args[0]} is missing.") from None
    except WrongDigits as problem:
        raise ConfigurationError(f"{path}, {where}: the tax_id is no IIN or BIN ({problem.problem}).") from None
    except NotALogin:
        says = "the account is no login: 2 to 40 letters, digits, dots, dashes or slashes, without spaces"
        raise ConfigurationError(f"{path}, {where}: {says}.") from None
    except (ValueError, TypeError, AttributeError) as problem:
        raise ConfigurationError(f"{path}, {where}: {problem}.") from None


def _customer(entry: Mapping[str, Any]) -> tuple[Customer, Standing]:
    if not isinstance(entry, dict):
        raise TypeError("write it as a table, below a line [[customers]]")
    if unknown := sorted(set(entry) - _KNOWN):
        raise ValueError(f"{unknown[0]} is not known; there are {', '.join(sorted(_KNOWN))}")
    tax_id = TaxId.parse(_text(entry, "tax_id"), clock.now().date())
    customer = Customer(_text(entry, "account"), _text(entry, "contract"), tax_id, _text(entry, "name"))
    balance = money(entry["balance"]) if "balance" in entry else None
    currency = _text(entry, "currency") if "currency" in entry else "KZT"
    normal_login(customer.account)
    return customer, Standing(customer.account, customer.contract, balance, currency)


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry[name]
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f'{name} is a text in quotation marks, such as {name} = "4445"')
    return value.strip()
