"""What is known of a person, in the language of the page: names of profile data and of what one signs in with."""

from __future__ import annotations

from flask_babel import gettext as _


def particular_words(name: str) -> str:
    """What a particular is called, where the profile has no label for it."""
    words: dict[str, str] = {
        "surname": _("Surname"),
        "name": _("First name"),
        "patronymic": _("Patronymic"),
        "sex": _("Sex"),
        "born": _("Birth date"),
        "position": _("Position"),
        "company": _("Company"),
        "account": _("Account number"),
        "contract": _("Contract number"),
        "tax_id": _("IIN / BIN"),
        "iin": _("IIN"),
        "number": _("Phone number"),
    }
    return words.get(name, name)


def identifier_words(kind: str) -> str:
    """The names of what one signs in with."""
    words: dict[str, str] = {
        "iin": _("IIN"),
        "number": _("Phone number"),
        "login": _("Login"),
        "email": _("E-mail"),
    }
    return words[kind]


def sex_words(value: str) -> str:
    """`female` and `male` as the register says it."""
    words: dict[str, str] = {"female": _("female"), "male": _("male")}
    return words.get(value, value)
