"""Logins and account numbers, as people write and compare them."""

from __future__ import annotations

import re
import unicodedata

_LOGIN = re.compile(r"[\w][\w.\-/]{1,39}")


class NotALogin(ValueError):
    """The typed text can be nobody's login."""


def normal_login(text: str) -> str:
    """A login (or an account number) as it is compared, apart from capitals. Raises `NotALogin`."""
    login = unicodedata.normalize("NFKC", text.strip())
    if not _LOGIN.fullmatch(login):
        raise NotALogin
    return login
