"""Pure rules: what an IIN is, what a password must be, how wrong ones slow down."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pushhub.accounts.passwords.rules import PasswordRule, wait_after
from pushhub.identity.iin import DigitsProblem, Iin, WrongDigits, check_digit

TODAY = date(2026, 11, 21)
INDIGO = PasswordRule(12, 128, lower=True, upper=True, digit=True, special="!@#$%&*?")


@pytest.mark.parametrize("text", ["910412400016", " 910412 400016 ", "910412-400016", "210915600037"])
def test_an_iin_is_read_as_people_write_it(text: str) -> None:
    assert len(Iin.parse(text, TODAY).digits) == 12


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", DigitsProblem.NOT_TWELVE_DIGITS),
        ("91041240001", DigitsProblem.NOT_TWELVE_DIGITS),
        ("9104124000166", DigitsProblem.NOT_TWELVE_DIGITS),
        ("91041240001x", DigitsProblem.NOT_TWELVE_DIGITS),
        ("٩١٠٤١٢٤٠٠٠١٦", DigitsProblem.NOT_TWELVE_DIGITS),
        ("911312400016", DigitsProblem.NO_SUCH_DATE),
        ("910230400016", DigitsProblem.NO_SUCH_DATE),
        ("910412700016", DigitsProblem.NO_SUCH_DATE),
        ("300101500010", DigitsProblem.NO_SUCH_DATE),  # 2030: not born yet
        ("910412400017", DigitsProblem.WRONG_CHECK_DIGIT),
    ],
)
def test_what_is_no_iin_is_told_why(text: str, problem: DigitsProblem) -> None:
    with pytest.raises(WrongDigits) as refused:
        Iin.parse(text, TODAY)
    assert refused.value.problem is problem


def test_the_second_weights_are_used_where_the_first_leave_ten() -> None:
    def first_rest(eleven: str) -> int:
        return sum(int(digit) * weight for digit, weight in zip(eleven, range(1, 12), strict=True)) % 11

    elevens = [f"9104124{serial:04d}" for serial in range(10_000)]
    second = [eleven for eleven in elevens if first_rest(eleven) == 10]
    assert second
    assert {check_digit(eleven) for eleven in second} >= {None, 0, 1, 9}
    assert all(check_digit(eleven) == first_rest(eleven) for eleven in elevens if first_rest(eleven) < 10)


def test_nearly_every_slip_in_one_digit_is_caught() -> None:
    missed = 0
    for place in range(12):
        for shift in range(1, 10):
            digits = list("910412400016")
            digits[place] = str((int(digits[place]) + shift) % 10)
            try:
                Iin.parse("".join(digits), TODAY)
                missed += 1
            except WrongDigits:
                pass
    # The second weights let a few pass, as the number's own rule does.
    assert missed <= 108 // 10


def test_an_iin_does_not_slip_into_a_log() -> None:
    iin = Iin.parse("910412400016", TODAY)
    assert f"{iin} {iin!r}" == "9104******16 Iin(9104******16)"


@pytest.mark.parametrize(
    ("password", "unmet"),
    [
        ("", ("length", "lower", "upper", "digit", "special")),
        ("balapan", ("length", "upper", "digit", "special")),
        ("Balapan#2026", ()),
        ("Balapan#202", ("length",)),
        ("BALAPAN#2026", ("lower",)),
        ("Balapan^2026", ("special",)),
        ("Балапан#2026", ("lower", "upper")),
        ("B" + "a#1" * 43, ("length",)),
    ],
)
def test_the_checklist(password: str, unmet: tuple[str, ...]) -> None:
    assert INDIGO.unmet(password) == unmet


def test_a_rule_without_special_characters_does_not_ask_for_one() -> None:
    rule = PasswordRule(8, 40, lower=False, upper=False, digit=False, special="")
    assert rule.parts == ("length",)
    assert rule.unmet("12345678") == ()


def test_waiting_doubles_from_the_fifth_wrong_password_on() -> None:
    assert [wait_after(n) for n in range(1, 5)] == [timedelta()] * 4
    assert [wait_after(n).total_seconds() for n in range(5, 12)] == [30, 60, 120, 240, 480, 960, 960]
