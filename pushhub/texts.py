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
CATALOGUES = Path(__file__).with_name("translations")


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated when it is sent."""
    return text


CODE_WAITS = _("Your confirmation code is waiting. Open the app to see it.")
CODE_INLINE = _("Your confirmation code: %(code)s. Tell it to nobody.")
NUMBER_MOVED_TITLE = _("This device is no longer bound")
NUMBER_MOVED = _(
    "Number %(number)s was bound to another device. If it was not you, sign in to the cabinet and bind it again."
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
