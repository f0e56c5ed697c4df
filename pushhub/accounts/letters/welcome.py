"""The letter to who has registered and has a password that was made for them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pushhub.accounts.letters.sender import TRIED, LetterWording, Sender, write
from pushhub.identity.email import Email
from pushhub.kernel import clock
from pushhub.translations.message_texts import WELCOME, WELCOME_TITLE

LETTER = LetterWording("welcome", WELCOME_TITLE, (WELCOME,))


def welcome(session: Session, sender: Sender, *, email: Email, login: str, password: str) -> None:
    """Write login and password to the address that was given, in the caller's transaction."""
    until = clock.now() + TRIED
    write(session, sender, email, LETTER, valid_until=until, login=login, password=password)
