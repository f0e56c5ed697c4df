"""The catalogues of the languages, and in which of them a page is written.

The texts of the code are English; `messages.po` of each language holds their translations and `messages.mo`
is its compiled form, kept beside it. `babel.cfg` names where texts are.
"""

from __future__ import annotations

from flask import Flask, Response, has_request_context, request
from flask_babel import Babel

from pushhub.context import current
from pushhub.translations.message_texts import CATALOGUES, DEFAULT_LOCALE, LOCALES

#: What each language calls itself, in the order of the language switch.
LANGUAGE_NAMES = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
_COOKIE = "lang"
_KEPT_SECONDS = 365 * 24 * 3600


def speak_languages(app: Flask) -> None:
    """Let the pages of `app` be written in the language of whoever reads them."""
    Babel(
        app,
        default_locale=DEFAULT_LOCALE,
        default_translation_directories=str(CATALOGUES),
        locale_selector=chosen_language,
    )


def chosen_language() -> str:
    """The language of this request: what the person chose (`?lang=`, then the cookie), else what the browser
    asks for, else Russian."""
    if not has_request_context():
        return DEFAULT_LOCALE
    for choice in (request.args.get("lang"), request.cookies.get(_COOKIE)):
        if choice in LOCALES:
            return str(choice)
    return request.accept_languages.best_match(LOCALES, DEFAULT_LOCALE)


def keep_language(response: Response) -> Response:
    """Remember the language that was chosen with `?lang=`, and say in which one this page is written."""
    response.headers["Content-Language"] = chosen_language()
    response.vary.update(("Accept-Language", "Cookie"))
    if request.args.get("lang") in LOCALES:
        response.set_cookie(
            _COOKIE,
            chosen_language(),
            max_age=_KEPT_SECONDS,
            secure=current().settings.public_url.startswith("https://"),
            httponly=True,
            samesite="Lax",
        )
    return response
