"""Tables of accounts, of what identifies them, of their sessions and events, and of steps that are under way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pushhub.identity.phone import NumberColumn, PhoneNumber
from pushhub.kernel.db import Base, JsonObject
from pushhub.kernel.ids import new_key


class Account(Base):
    """One person's account in one product's cabinet."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), index=True)
    #: The number on file: where codes go. Who signs in with an e-mail address alone has none.
    number: Mapped[PhoneNumber | None] = mapped_column(NumberColumn(), index=True)
    #: Since when; what happened to the number before is not this person's to see.
    number_since: Mapped[datetime | None]
    #: The e-mail address, sealed for `email_context`.
    email_sealed: Mapped[bytes | None]
    #: What else is known of the person (`accounts.profile_data`), sealed for `particulars_context`.
    particulars_sealed: Mapped[bytes | None]
    #: Who made this account, in a cabinet with several users.
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    may_add_users: Mapped[bool] = mapped_column(default=False)
    #: The password was given out and not chosen: the first thing after signing in is to change it.
    must_change_password: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    password_changed_at: Mapped[datetime]
    created_at: Mapped[datetime]


class AccountIdentifier(Base):
    """What a person signs in with. Of an IIN only a keyed digest and its masked form are kept."""

    __tablename__ = "account_identifiers"

    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    masked: Mapped[str] = mapped_column(sa.String(80))
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)


class AccountSession(Base):
    """A browser that is signed in."""

    __tablename__ = "account_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    #: SHA-256 of what is in the cookie.
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: `Chrome, Windows`
    browser: Mapped[str] = mapped_column(sa.String(60))
    #: The offer that this session shows on its feed.
    offer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("offers.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    #: The browser was told to remember it: it lasts beyond the window.
    remembered: Mapped[bool] = mapped_column(default=False)
    #: When it ends if nothing is done any more, and when it ends whatever is done.
    idle_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccountLink(Base):
    """A link in an e-mail that does one thing, once."""

    __tablename__ = "account_links"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    #: SHA-256 of what is in the link.
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: What it is about (an address to confirm), sealed for `link_context`.
    data_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class AccountPassword(Base):
    """A password that an account has or had, as `accounts.passwords.history` keeps it: enough to know it and its like
    again, and nothing that could be read."""

    __tablename__ = "account_passwords"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    marks: Mapped[list[str]] = mapped_column(sa.JSON)
    at: Mapped[datetime]


class AccountEvent(Base):
    """One entry of an account's feed: what happened, for its owner."""

    __tablename__ = "account_events"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(24))
    data: Mapped[JsonObject] = mapped_column(default=dict)
    at: Mapped[datetime]

    __table_args__ = (sa.Index("ix_account_events_account_id_id", "account_id", "id"),)


class SignInFailure(Base):
    """Wrong passwords for one identifier, whether or not there is an account behind it."""

    __tablename__ = "sign_in_failures"

    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    wait_until: Mapped[datetime]


class CabinetFlow(Base):
    """The steps of one person in one window: what was answered so far. The address names it, and only the browser
    that began it can open it."""

    __tablename__ = "cabinet_flows"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_key)
    product_id: Mapped[UUID] = mapped_column(sa.ForeignKey("products.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    #: SHA-256 of the browser's cookie.
    visitor_digest: Mapped[str] = mapped_column(sa.String(64))
    #: The answers, sealed: IINs and numbers are among them.
    answers_sealed: Mapped[bytes]
    #: Counts the changes, so that two windows at once lose nothing.
    version: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def email_context(account_id: UUID) -> str:
    """The context under which an account's e-mail address is sealed."""
    return f"account-email:{account_id}"


def particulars_context(account_id: UUID) -> str:
    """The context under which an account's profile data is sealed."""
    return f"account-particulars:{account_id}"


def link_context(link_id: UUID) -> str:
    """The context under which a link's data are sealed."""
    return f"account-link:{link_id}"
