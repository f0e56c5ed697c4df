"""What the cabinets say on pages of several ways: notes, texts of the scripts, the checklist, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from pushhub.accounts.flows.number_proof import CheckedProof, CodeVerdict
from pushhub.accounts.passwords.history import PasswordTooLike
from pushhub.accounts.passwords.rules import PasswordRule
from pushhub.accounts.people.password_change import StillTheGiven
from pushhub.verifications.rules import VerificationStatus

#: A password may be this long and nobody needs to be told that there is an end.
_HARDLY_MET = 64


def script_texts() -> dict[str, str]:
    """By name. `{values}` in braces are put in by the script."""
    return {
        "resend.wait": _("You can ask for the code again in {seconds} s."),
        "resend.now": _("You can send the code again."),
        "code.valid_for": _("The code is valid for {time} more."),
        "code.over": _("The code has expired. Ask for a new one."),
        "wait": _("You can try again in {time}."),
        "wait.over": _("You can try again now."),
        "password.show": _("Show the password"),
        "password.hide": _("Hide the password"),
        "met": _("met"),
        "unmet": _("not met"),
        "same": _("The passwords are the same."),
        "different": _("The passwords are not the same yet."),
    }


def note_words(note: str | None) -> tuple[str, str] | None:
    """What a page says at its top after another one led to it: kind (`good`, `warn`) and words."""
    notes: Mapping[str, tuple[str, str]] = {
        "password-updated": ("good", _("The password is updated. Sign in with the new one.")),
        "reregistered": ("good", _("The cabinet is registered to your IIN and number. Sign in with the new password.")),
        "letter-sent-again": ("good", _("The letter was sent again. Only the link in the newest one works.")),
        "registered": ("good", _("You are registered. Now sign in with the password that you have set.")),
        "registered-confirm": (
            "good",
            _("You are registered. A letter was sent to your e-mail address: open its link to sign in with it too."),
        ),
        "session-over": ("warn", _("You are not signed in, or your session has ended. Sign in again.")),
        "signed-out": ("good", _("You have signed out.")),
        "begin-again": (
            "warn",
            _("This took too long or was begun in another browser. Begin again: nothing was changed."),
        ),
        "not-bound": ("warn", _("No device is bound to the number yet. Do step 2 first.")),
        "sent-again": ("good", _("The notification was sent again.")),
        "unlocked": ("good", _("You have confirmed the number. Now enter the password.")),
        "others-ended": ("good", _("All other sessions have ended.")),
        "session-ended": ("good", _("The session has ended.")),
        "password-changed": ("good", _("The password is changed. All other sessions have ended.")),
        "login-set": ("good", _("The login is set. From now on you can sign in with it.")),
        "email-asked": (
            "good",
            _("A letter was sent to the address. Open the link in it: then the address is yours to sign in with."),
        ),
        "email-confirmed": ("good", _("The address is confirmed. Now you can sign in with it.")),
        "user-confirmed": ("good", _("The address is confirmed. Sign in with it and with the password.")),
        "too-many-wrong": (
            "warn",
            _("There were too many wrong passwords, so the session has ended. Sign in again, or recover the password."),
        ),
        "user-added": ("good", _("The user is added. A letter was sent: once its link is used, they can sign in.")),
        "user-changed": ("good", _("The changes are saved.")),
        "user-removed": ("good", _("The user is removed.")),
        "letter-sent": ("good", _("The letter was sent again. The link of the one before has ended.")),
        "user-is-confirmed": ("good", _("The address is confirmed already: no letter is needed.")),
    }
    return notes.get(note or "")


def identifier_words() -> Mapping[str, str]:
    """The names of what one signs in with, by kind."""
    return {"iin": _("IIN"), "number": _("Phone number"), "login": _("Login"), "email": _("E-mail")}


def unreachable_words(reason: str, *, moves: bool) -> str:
    """Why no code could be sent, for the guide. `{number}` and `{app}` are put in by the page. `moves`: the offer
    beside it takes the number from the device that has it, so that any phone can be bound."""
    never: str = _(
        "The mobile app {app} has never been installed and registered for the number {number}. Please install the app "
        "as described below, and register it with the special QR code or the one-time password, which bind it to the "
        "number."
    )
    off: str = _(
        "In the app {app} with the number {number} notifications are switched off. Switch them on in the phone's "
        "settings, or bind another device as described below."
    )
    off_there: str = _(
        "In the app {app} with the number {number} notifications are switched off. Switch them on in the settings of "
        "that phone and press “Send”. Another phone can't take the number over here."
    )
    gone: str = _(
        "The app {app} with the number {number} does not answer any more: it was removed, or the number was unbound. "
        "Install it again and bind it as described below."
    )
    gone_there: str = _(
        "The app {app} with the number {number} does not answer any more. Open it on the phone that it was bound on, "
        "or install it there again and bind it as described below. Another phone can't take the number over here."
    )
    words = {"never_bound": never, "unbound": gone, "notifications_off": off if moves else off_there}
    return words.get(reason, gone if moves else gone_there)


def code_words(checked: CheckedProof) -> str:
    """The words for a typed code that is not right."""
    over: Mapping[VerificationStatus, str] = {
        VerificationStatus.EXHAUSTED: _("The code was wrong too often and is worthless now. Ask for a new one."),
        VerificationStatus.EXPIRED: _("The code has expired. Ask for a new one."),
    }
    words: Mapping[CodeVerdict, str] = {
        CodeVerdict.MALFORMED: _("The code has {digits} digits.").format(digits=checked.digits),
        CodeVerdict.NOT_OPENED: _("Open the code on the phone first, then type it here."),
        CodeVerdict.WRONG: _("That is not the code. Attempts left: {left}.").format(left=checked.attempts_left),
        CodeVerdict.OVER: over.get(checked.status, _("This code is over. Ask for a new one.")),
    }
    return words[checked.answer]


def checklist(rule: PasswordRule) -> Mapping[str, str]:
    """The points of the checklist in the reader's language."""
    words = {
        "length": _length_words(rule),
        "lower": _("A small Latin letter"),
        "upper": _("A capital Latin letter"),
        "digit": _("Digits"),
        "special": _("A special character ({characters})").format(characters=" ".join(rule.special)),
    }
    return {part: words[part] for part in rule.parts}


def _length_words(rule: PasswordRule) -> str:
    """The upper end is said where people could meet it."""
    if rule.max_length > _HARDLY_MET:
        return str(_("At least {count} characters").format(count=rule.min_length))
    return str(_("From {least} to {most} characters").format(least=rule.min_length, most=rule.max_length))


def too_like(rule: PasswordRule, problem: PasswordTooLike) -> str:
    """What to say of a password that `PasswordTooLike` was raised for."""
    if isinstance(problem, StillTheGiven):
        return same_password()
    words: str = _("This is one of your last {count} passwords or too much like one. Think of another one.")
    return words.format(count=rule.remembered)


def same_password() -> str:
    """The words for a new password that is the present one."""
    return str(_("This is your present password. Think of another one."))
