"""What the prepared person of each cabinet knows, and what a newcomer can try, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from demo.sample import FAMILY, SampleAccount
from pushhub.cabinets.loader import read_profile
from pushhub.cabinets.profile import Profile


@dataclass(frozen=True, slots=True)
class CabinetWalk:
    """A cabinet to walk through: its profile, who has the account, the facts to type (label, value), what to try."""

    profile: Profile
    name: str
    facts: tuple[tuple[str, str], ...]
    ideas: tuple[str, ...]

    @property
    def home(self) -> str:
        return f"/cabinet/{self.profile.slug}/"


def visit_to(account: SampleAccount) -> CabinetWalk:
    """The walk through the cabinet of this account."""
    return CabinetWalk(
        read_profile(account.profile),
        _names()[account.profile],
        tuple(_facts(account)),
        _ideas().get(account.profile, ()),
    )


def _names() -> Mapping[str, str]:
    return {"indigo": _("Aigerim"), "balabaqsha": _("Yerlan"), "portal": _("Aigerim"), "kaztranscom": "«Алтын Дән»"}


def _facts(account: SampleAccount) -> list[tuple[str, str]]:
    labels = {"iin": _("IIN"), "number": _("Phone number"), "login": _("Login"), "email": _("E-mail")}
    facts = [(labels[kind], text) for kind, text in account.identifiers if kind != "number"]
    facts.append((_("Password"), account.password))
    if account.number is not None:
        facts.append((_("Number on file"), account.number))
    return facts + list(_further().get(account.profile, {}).items())


def _further() -> Mapping[str, Mapping[str, str]]:
    """What is typed into the cabinets besides what one signs in with."""
    return {
        "indigo": {
            _("New number, in the BMG too"): FAMILY.new_number,
            _("IIN of the child, who goes to a kindergarten"): FAMILY.child,
            _("Birth certificate"): FAMILY.certificate,
            _("IIN of the father"): FAMILY.other_parent,
        },
        "balabaqsha": {
            _("Who is not registered yet: IIN"): FAMILY.iin,
            _("Her number in the BMG"): FAMILY.number,
        },
        "kaztranscom": {
            _("Who is not registered yet: contract"): "КТС-КТС-14",
            _("IIN or BIN of the contract"): "120340007775",
        },
    }


def _ideas() -> Mapping[str, tuple[str, ...]]:
    return {
        "indigo": (
            _(
                "Enter the IIN and press “Forgotten the password?”: no app has the number yet, so bind the phone, and "
                "the code comes."
            ),
            _("Sign in and open “Event feed”: everything that happened is there."),
            _("Re-register the cabinet to the new number: the register confirms the answers."),
        ),
        "balabaqsha": (
            _("Register the person who has no cabinet yet: bind the phone to her number, and the code comes."),
            _("Sign in by IIN, number, login or e-mail, or with a code in place of the password."),
        ),
        "portal": (
            _(
                "Forget the password and have a link mailed: the letter waits under “Mailbox”, at the bottom of this "
                "page."
            ),
            _("Try a new password that is like the old one."),
        ),
        "kaztranscom": (
            _("Register with a contract number: a wrong one opens a hint, the right one gets a password by letter."),
            _("Sign in and add a further user: their letter waits under “Mailbox”, at the bottom."),
        ),
    }
