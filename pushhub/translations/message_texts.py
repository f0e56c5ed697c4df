"""Texts that leave the service outside a page: pushes and notices, in the reader's language.

They are marked with `_` like every text of the pages and translated in the same catalogues
(`pushhub/translations`); here the language is that of the device, not of a request.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from babel.support import NullTranslations, Translations

LOCALES = ("kk", "ru", "en")
DEFAULT_LOCALE = "ru"
CATALOGUES = Path(__file__).parent


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated when it is sent."""
    return text


CODE_WAITS = _("Your confirmation code is waiting. Open the app to see it.")
CODE_INLINE = _("Your confirmation code: %(code)s. Tell it to nobody.")
#: One SMS of 70 letters has to hold it, with a product's name of up to 20.
CODE_BY_SMS = _("%(product)s: code %(code)s. Tell it to nobody.")
CODE_BY_EMAIL_TITLE = _("%(product)s: your confirmation code")
CODE_BY_EMAIL = _(
    "Your confirmation code for %(product)s: %(code)s\n\n"
    "Tell it to nobody, not even to somebody who says that they work for us.\n"
    "If you did not ask for it, do nothing: without the code nobody gets in."
)
#: The title, where there is one, and the text of a code by each channel in which it can be read.
CODE_BY: dict[str, tuple[str | None, str]] = {
    "sms": (None, CODE_BY_SMS),
    "email": (CODE_BY_EMAIL_TITLE, CODE_BY_EMAIL),
}
NUMBER_MOVED_TITLE = _("This device is no longer bound")
NUMBER_MOVED = _(
    "Number %(number)s was bound to another device. If it was not you, sign in to the cabinet and bind it again."
)
PASSWORD_CHANGED_TITLE = _("Your password was changed")
PASSWORD_CHANGED = _(
    "The password of your %(product)s cabinet was changed just now. If it was not you, recover the password at once."
)
PASSWORD_CHANGED_LETTER_TITLE = _("%(cabinet)s: your password was changed")
PASSWORD_CHANGED_LETTER = _(
    "The password of your personal cabinet of %(cabinet)s was changed.\n"
    "Time: %(moment)s\n"
    "Signed in to with: %(names)s\n\n"
    "If it was you, there is nothing to do.\n\n"
    "If it was not you, set a new password at once and tell the support service of %(cabinet)s:\n%(recovery)s"
)
ACCOUNT_REREGISTERED_TITLE = _("A cabinet was registered to your number")
ACCOUNT_REREGISTERED = _(
    "The %(product)s cabinet is now registered to number %(number)s. If it was not you, tell the support service."
)
ACCOUNT_LEFT_TITLE = _("A cabinet left your number")
ACCOUNT_LEFT = _(
    "The %(product)s cabinet that was registered to %(number)s is registered to another number now. If it was not "
    "you, tell the support service."
)
SET_NEW_PASSWORD = _("Set a new password")
RECOVERY_LETTER_TITLE = _("%(cabinet)s: a new password")
RECOVERY_LETTER = _(
    "A new password was asked for in the personal cabinet of %(cabinet)s.\n\n"
    "Open the link and set it. The link works once, for %(minutes)s minutes, until %(until)s:\n%(link)s\n\n"
    "Pass the link on to nobody. If you did not ask for it, do nothing: your password stays as it is."
)
USER_ADDED_TITLE = _("%(cabinet)s: you were added as a user")
USER_ADDED = _(
    "You were added as a user of a personal cabinet of %(cabinet)s.\n\n"
    "Confirm that this address is yours. The link works once, for %(days)s days:\n%(link)s\n\n"
    "Then sign in: %(entrance)s\n"
    "User name: %(email)s"
)
USER_ADDED_PASSWORD = _("Password: %(password)s\nYou will be asked to change it when you first sign in.")
USER_ADDED_NO_PASSWORD = _("You will be told the password by whoever added you.")
USER_ADDED_PASSWORD_STAYS = _(
    "The password stays as it was. If you don't have it, choose “Forgotten the password?” when you have confirmed the "
    "address."
)
USER_ADDED_END = _("If you know nothing of this, do nothing: without the link the address is used by nobody.")
CONFIRM_ADDRESS = _("Confirm the address")
NEW_PASSWORD_BY_EMAIL_TITLE = _("%(cabinet)s: your new password")
NEW_PASSWORD_BY_EMAIL = _(
    "The owner of the personal cabinet of %(cabinet)s has given you a new password.\n\n"
    "Sign in: %(entrance)s\n"
    "User name: %(email)s\n"
    "Password: %(password)s\n\n"
    "You will be asked to change it when you sign in."
)
CONFIRM_OWN_EMAIL_TITLE = _("%(cabinet)s: confirm your e-mail address")
CONFIRM_OWN_EMAIL = _(
    "This address was given in a personal cabinet of %(cabinet)s.\n\n"
    "Confirm that it is yours. The link works once, for %(minutes)s minutes:\n%(link)s\n\n"
    "If it was not you, do nothing: without the link the address is used by nobody."
)
EMAIL_CHANGED_TITLE = _("%(cabinet)s: your e-mail address was changed")
EMAIL_CHANGED = _(
    "Your personal cabinet of %(cabinet)s has another e-mail address now: %(email)s. With this one nobody signs in any "
    "more.\n\nIf it was not you, tell the support service at once."
)
WELCOME_TITLE = _("%(cabinet)s: you are registered")
WELCOME = _(
    "You are registered in the personal cabinet of %(cabinet)s.\n\n"
    "Sign in: %(entrance)s\n"
    "User name: %(login)s\n"
    "Password: %(password)s\n\n"
    "You will be asked to change the password when you first sign in. Later you can change it under "
    "“My profile”, “Change the password”.\n\n"
    "If you have not registered, tell the support service of %(cabinet)s."
)
OPERATOR_UNBOUND = _("An operator unbound number %(number)s from this device.")


def in_language(locale: str, text: str, **values: str) -> str:
    """`text` in the language `locale` (`kk`, `ru`, `en`; others as Russian), with its values put in."""
    translated = _catalogue(locale if locale in LOCALES else DEFAULT_LOCALE).gettext(text)
    return translated % values if values else translated


@lru_cache(maxsize=len(LOCALES))
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(CATALOGUES, [locale])


def best_locale(tag: str) -> str:
    """The language we have for a language tag (`ru-KZ` → `ru`); Russian where we have none."""
    language = tag.partition("-")[0].lower()
    return language if language in LOCALES else DEFAULT_LOCALE
