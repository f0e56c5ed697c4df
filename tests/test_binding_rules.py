"""The pure rules of binding: passwords, links, the 30 days."""

from __future__ import annotations

import base64
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushhub.binding import rules
from pushhub.products.rules import Assurance

#: RFC 6238, appendix B: the seed of its SHA-1 test vectors, and their values at these times.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
MONDAY = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
APP_LINK = "https://codes.example.kz/app/bind"


@pytest.mark.parametrize(("moment", "eight_digits"), RFC_VECTORS.items())
def test_the_password_is_the_totp_of_the_rfc_with_two_check_digits(moment: int, eight_digits: str) -> None:
    password = rules.password_at(RFC_SECRET, moment // 30)
    assert len(password) == 12
    assert password[2:10] == eight_digits  # ten digits of the same number: the RFC shows its last eight
    assert int(password) % 97 == 1  # ISO 7064 MOD 97-10


@pytest.mark.skipif(shutil.which("oathtool") is None, reason="oathtool is not installed; the RFC's vectors above are")
@pytest.mark.parametrize("moment", [1_700_000_000, 1_763_715_600, 1_900_000_029])
def test_an_independent_totp_agrees(moment: int) -> None:
    command = ["oathtool", "--totp", "--base32", "--digits=8", f"--now=@{moment}", RFC_SECRET]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert rules.password_at(RFC_SECRET, moment // 30)[2:10] == theirs


@given(st.integers(0, 2**31 - 1), st.integers(0, 11), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed_without_asking_the_server(number: int, place: int, slip: int) -> None:
    password = rules.password_at(RFC_SECRET, number)
    assert rules.check_digits_fit(password)
    wrong = str((int(password[place]) + slip) % 10)
    assert not rules.check_digits_fit(password[:place] + wrong + password[place + 1 :])


@given(st.integers(0, 2**31 - 1), st.integers(0, 10))
def test_every_swap_of_neighbours_is_noticed(number: int, place: int) -> None:
    password = rules.password_at(RFC_SECRET, number)
    swapped = password[:place] + password[place + 1] + password[place] + password[place + 2 :]
    assert swapped == password or not rules.check_digits_fit(swapped)


@pytest.mark.parametrize("typed", ["703 610 887 203", "703-610-887-203", " 703610887203\n", "7036 1088 7203"])
def test_a_password_may_be_typed_in_groups(typed: str) -> None:
    assert rules.normal_password(typed) == "703610887203"


@pytest.mark.parametrize("text", ["", "70361088720", "7036108872033", "70361088720x", "٧٠٣٦١٠٨٨٧٢٠٣"])
def test_what_is_not_twelve_digits_is_no_password(text: str) -> None:
    assert not rules.check_digits_fit(text)


def test_the_present_and_the_previous_password_are_accepted_and_no_other() -> None:
    step = 1000
    accepted = {
        offset: rules.matching_step(RFC_SECRET, rules.password_at(RFC_SECRET, step + offset), step, None)
        for offset in (-2, -1, 0, 1)
    }
    assert accepted == {-2: None, -1: 999, 0: 1000, 1: None}


def test_a_password_is_not_accepted_again_nor_is_an_older_one() -> None:
    present, previous = rules.password_at(RFC_SECRET, 1000), rules.password_at(RFC_SECRET, 999)
    assert rules.matching_step(RFC_SECRET, present, 1000, last_step=1000) is None
    assert rules.matching_step(RFC_SECRET, previous, 1000, last_step=1000) is None
    assert rules.matching_step(RFC_SECRET, previous, 1000, last_step=999) is None
    assert rules.matching_step(RFC_SECRET, present, 1000, last_step=999) == 1000


def test_a_qr_link_gives_its_secret_back() -> None:
    secret = "AbCdEfGhIjKlMnOpQrStUv"
    link = rules.qr_link(APP_LINK, secret)
    assert link == "https://codes.example.kz/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv"
    assert rules.secret_in(f" {link}\n", APP_LINK) == secret


@pytest.mark.parametrize(
    "scanned",
    [
        "",
        "hello",
        "http://codes.example.kz/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz/app/bind/v2#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz/app/bind/v1#short",
        "https://codes.example.kz/app/bind/v1?AbCdEfGhIjKlMnOpQrStUv",
        "https://[broken/v1#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.com/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz:444/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz@evil.test/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz/app/bind/v1?x#AbCdEfGhIjKlMnOpQrStUv",
        "https://codes.example.kz/app/bind/v1#AbCdEfGhIjKlMnOpQrStUv#",
    ],
)
def test_other_qr_codes_are_not_ours(scanned: str) -> None:
    assert rules.secret_in(scanned, APP_LINK) is None


def test_the_thirty_days_begin_with_the_first_binding_to_the_present_number() -> None:
    history = [("A", MONDAY), ("B", MONDAY + timedelta(days=30)), ("B", MONDAY + timedelta(days=50))]
    assert rules.number_since(history, "C") == MONDAY + timedelta(days=30)
    assert rules.number_since(history, "A") == MONDAY + timedelta(days=30)


def test_the_same_number_again_is_never_limited() -> None:
    assert rules.number_since([("A", MONDAY)], "A") is None
    assert rules.number_since([], "A") is None


def test_going_back_to_an_earlier_number_counts_as_a_change() -> None:
    history = [("A", MONDAY), ("B", MONDAY + timedelta(days=31))]
    assert rules.number_since(history, "A") == MONDAY + timedelta(days=31)
    assert rules.rebind_allowed_at(MONDAY, 30) == MONDAY + timedelta(days=30)


def test_an_anonymous_offer_may_not_take_a_number_and_every_other_may() -> None:
    assert [entry for entry in Assurance if not entry.may_replace] == [Assurance.ANONYMOUS_OFFER]
