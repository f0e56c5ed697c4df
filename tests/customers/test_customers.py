"""A product's customers: a file, and a service behind HTTP that may be slow, absent, or talk nonsense."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pushhub.customers.configured import configured_customers
from pushhub.customers.contract import Customers, normal_contract
from pushhub.customers.embedded import EmbeddedCustomers
from pushhub.customers.http import HttpCustomers
from pushhub.identity.iin import TaxId
from pushhub.kernel import http_json
from pushhub.kernel.errors import ConfigurationError, CustomersUnavailable
from simulators.customers import Customers as CustomerService
from tests.support.logs import everything_in
from tests.support.ports import free_port

SAMPLE = Path(__file__).parents[2] / "pushhub" / "cabinets" / "profiles" / "kaztranscom-customers.toml"
#: Account numbers with which nobody could sign in.
NO_LOGINS = ("7", "ЛС 7031", "-12", "1" * 41, "a@b.kz")
COMPANY = TaxId("040640005019")
PERSON = TaxId("981101400239")
ENTRY = '[[customers]]\naccount = "11"\ncontract = "A-1"\ntax_id = "040640005019"\nname = "X"\n'


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a secret of the billing\n")
    return path


@pytest.fixture
def service(secret_file: Path) -> Iterator[CustomerService]:
    with CustomerService(SAMPLE, secret=secret_file.read_text().strip()) as service:
        yield service


@pytest.fixture(params=["file", "http"])
def customers(request: pytest.FixtureRequest, service: CustomerService, secret_file: Path) -> Customers:
    """Both adapters have to say the same."""
    return (
        configured_customers(SAMPLE)
        if request.param == "file"
        else configured_customers(None, service.url, secret_file)
    )


def test_a_customer_is_found_by_contract_and_tax_id(customers: Customers) -> None:
    found = customers.find("4445/10", COMPANY)
    assert found.contract_known
    assert found.customer is not None
    assert (found.customer.account, found.customer.contract) == ("4445", "4445/10")
    assert (found.customer.name, found.customer.tax_id) == ("ТОО «Алтын Дән»", COMPANY)


@pytest.mark.parametrize(
    ("contract", "tax_id", "known", "matches"),
    [
        ("4445/10", PERSON, True, False),
        ("4445/11", COMPANY, False, False),
        ("", COMPANY, False, False),
        ("КТС-АЛМ-207/21", PERSON, True, True),
    ],
)
def test_what_is_wrong_is_told_apart(
    customers: Customers, contract: str, tax_id: TaxId, known: bool, matches: bool
) -> None:
    found = customers.find(contract, tax_id)
    assert (found.contract_known, found.customer is not None) == (known, matches)


@pytest.mark.parametrize(
    "typed",
    [
        "КТС-КТС-14",
        "ктс-ктс-14",
        "KTC-KTC-14",
        "кТс–ktc—14",
        " КТС - КТС - 14 ",
        "№ КТС-КТС-14",
        "\u00a0КТС\u2011КТС‑14",
    ],
)
def test_a_contract_is_found_however_it_is_written(customers: Customers, typed: str) -> None:
    found = customers.find(typed, TaxId("120340007775"))
    assert found.customer is not None
    assert found.customer.contract == "КТС-КТС-14"


def test_what_differs_stays_different() -> None:
    assert len({normal_contract(text) for text in ("КТС-14", "КТС-1-4", "КТС14", "КТС/14", "КТD-14", "КГС-14")}) == 6


def test_a_standing_has_the_sum_unrounded(customers: Customers) -> None:
    standing = customers.standing("5120")
    assert standing is not None
    assert (standing.account, standing.contract, standing.currency) == ("5120", "КТС-КТС-14", "KZT")
    assert standing.balance == Decimal("-8300.50")
    assert customers.standing("1") is None


def test_nothing_personal_is_in_their_text_forms(customers: Customers) -> None:
    found = customers.find("КТС-АЛМ-207/21", PERSON)
    shown = f"{found!r} {found} {customers.standing('5120')!r}"
    assert PERSON.digits not in shown
    assert "Садыкова" not in shown
    assert "8300" not in shown


def test_a_slow_service_is_given_up_after_three_seconds(
    service: CustomerService, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http_json.TIMEOUT.total_seconds() == 3
    monkeypatch.setattr(http_json, "TIMEOUT", timedelta(seconds=0.3))
    service.delay = 20
    began = time.monotonic()
    with pytest.raises(CustomersUnavailable):
        HttpCustomers(service.url, secret_file).standing("4445")
    assert 0.2 < time.monotonic() - began < 15


@pytest.mark.parametrize("status", [500, 503, 401, 302, 204])
def test_a_service_that_refuses_is_unavailable(service: CustomerService, secret_file: Path, status: int) -> None:
    service.status = status
    with pytest.raises(CustomersUnavailable):
        HttpCustomers(service.url, secret_file).find("4445/10", COMPANY)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b"\xff",
        b'{"customer": 1}',
        b'{"customer": {"account": "1", "contract": "1", "name": "X"}}',
        b'{"customer": {"account": 1, "contract": "1", "name": "X", "tax_id": "040640005019"}}',
        b'{"customer": {"account": "1", "contract": "1", "name": "X", "tax_id": "981101400239"}}',
        b'{"account": "1", "contract": "1", "balance": "much"}',
        b'{"account": "1", "contract": "1", "balance": true}',
        b'{"account": "1", "contract": "1", "balance": NaN}',
        b'{"account": "1", "contract": "1", "balance": 1e400}',
        b'{"account": "", "contract": "1", "balance": "1"}',
        b"[" * 60_000,
        *(
            f'{{"customer": {{"account": "{account}", "contract": "1", "name": "X", "tax_id": "040640005019"}},'
            f' "account": ""}}'.encode()
            for account in NO_LOGINS
        ),
    ],
)
def test_a_service_that_talks_nonsense_is_unavailable(service: CustomerService, secret_file: Path, body: bytes) -> None:
    service.body = body
    customers = HttpCustomers(service.url, secret_file)
    asks: tuple[Callable[[], object], ...] = (
        lambda: customers.find("4445/10", COMPANY),
        lambda: customers.standing("4445"),
    )
    for ask in asks:
        with pytest.raises(CustomersUnavailable):
            ask()


@pytest.mark.parametrize(
    ("written", "balance"), [("1425.10", "1425.10"), ('"1425.10"', "1425.10"), ("-3", "-3"), ("null", None)]
)
def test_sums_are_texts_or_numbers(
    service: CustomerService, secret_file: Path, written: str, balance: str | None
) -> None:
    service.body = f'{{"account": "1", "contract": "2", "balance": {written}}}'.encode()
    standing = HttpCustomers(service.url, secret_file).standing("1")
    assert standing is not None
    assert standing.balance == (None if balance is None else Decimal(balance))
    assert standing.currency == "KZT"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_answer_with_a_byte_order_mark_is_read(service: CustomerService, secret_file: Path, encoding: str) -> None:
    service.body = '{"account": "1", "contract": "2", "balance": "3"}'.encode(encoding)
    standing = HttpCustomers(service.url, secret_file).standing("1")
    assert standing is not None
    assert standing.balance == Decimal("3")


def test_a_service_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(CustomersUnavailable):
        HttpCustomers(f"http://127.0.0.1:{free_port()}").standing("4445")


def test_without_its_secret_the_service_does_not_answer(service: CustomerService) -> None:
    with pytest.raises(CustomersUnavailable):
        HttpCustomers(service.url).standing("4445")


def test_nothing_that_was_asked_about_is_logged(
    service: CustomerService, secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    customers = HttpCustomers(service.url, secret_file)
    customers.find("КТС-АЛМ-207/21", PERSON)
    for service.status, service.body in ((500, None), (None, b"{}")):
        with pytest.raises(CustomersUnavailable):
            customers.find("КТС-АЛМ-207/21", PERSON)
    logged = everything_in(caplog.records)
    assert "customer service gave no answer" in logged
    assert "customer service gave an answer that is not of its contract" in logged
    for secret in (PERSON.digits, "АЛМ", "a secret of the billing"):
        assert secret not in logged


@pytest.mark.parametrize("sources", [(), (SAMPLE, "http://127.0.0.1:1")])
def test_customers_are_in_a_file_or_behind_a_url(sources: tuple[Path, str]) -> None:
    with pytest.raises(ConfigurationError, match="one of the two"):
        configured_customers(*sources)


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="secret_file"):
        HttpCustomers("http://127.0.0.1:1", tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[customers]", "are not TOML"),
        ("[[clients]]\na = 1", r"below a line \[\[customers\]\]"),
        ("customers = 3", r"below a line \[\[customers\]\]"),
        ("customers = [3]", "entry 1: write it as a table"),
        ('[[customers]]\naccount = "1"', "entry 1: tax_id is missing"),
        (ENTRY.replace("019", "018"), r"entry 1: the tax_id is no IIN or BIN \(wrong_check_digit\)"),
        (ENTRY.replace('"11"', "11"), "entry 1: account is a text in quotation marks"),
        (ENTRY + 'balance = "much"', "entry 1: a sum is"),
        (ENTRY + "balance = nan", "entry 1: a sum is"),
        (ENTRY + 'owner = "Y"', "entry 1: owner is not known; there are account,"),
        (ENTRY + ENTRY.replace("A-1", "a–1").replace('"11"', '"12"'), "entry 2: an entry before it has this contract"),
        (ENTRY + ENTRY.replace("A-1", "B-1"), "entry 2: an entry before it has this account"),
        (ENTRY.replace('"11"', '"aa"') + ENTRY.replace("A-1", "B-1").replace('"11"', '"AA"'), "has this account"),
        *((ENTRY.replace('"11"', f'"{account}"'), "entry 1: the account is no login: 2 to") for account in NO_LOGINS),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "customers.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says) as refusal:
        EmbeddedCustomers(path)
    assert str(path) in str(refusal.value)
    with pytest.raises(ConfigurationError, match="can't be read"):
        EmbeddedCustomers(tmp_path / "missing.toml")


class TestTaxId:
    """IIN or BIN."""

    TODAY = date(2026, 11, 21)

    @pytest.mark.parametrize(
        ("text", "is_bin"), [("040640005019", True), ("9811 0140-0239", False), ("910412400016", False)]
    )
    def test_both_kinds_are_taken(self, text: str, is_bin: bool) -> None:
        tax_id = TaxId.parse(text, self.TODAY)
        assert (tax_id.is_bin, len(tax_id.digits)) == (is_bin, 12)
        assert str(tax_id) == tax_id.masked
        assert tax_id.digits not in f"{tax_id} {tax_id!r}"

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("04064000501", "not_twelve_digits"),
            ("0406400050199", "not_twelve_digits"),
            ("04064000501A", "not_twelve_digits"),
            ("٠٤٠٦٤٠٠٠٥٠١٩", "not_twelve_digits"),
            ("", "not_twelve_digits"),
            ("040640005018", "wrong_check_digit"),
            ("981101400238", "wrong_check_digit"),
            ("041340005010", "no_such_date"),
            ("000040005010", "no_such_date"),
            ("981301400239", "no_such_date"),
            ("981171400239", "no_such_date"),
            ("311231600007", "no_such_date"),
        ],
    )
    def test_everything_else_is_refused_with_the_reason(self, text: str, problem: str) -> None:
        with pytest.raises(ValueError, match=problem):
            TaxId.parse(text, self.TODAY)
