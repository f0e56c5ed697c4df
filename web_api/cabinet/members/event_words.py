"""The lines of the feed, in the language of the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from flask_babel import gettext as _


def event_words(kind: str, data: Mapping[str, object]) -> str:
    """One line of the feed."""
    values = {name: str(value) for name, value in data.items()}
    words: Mapping[str, str] = {
        "signed_in": _("Sign-in: {browser}"),
        "signed_out": _("Signed out: {browser}"),
        "sessions_ended": _("Other sessions were ended: {count}"),
        "password_changed": _("The password was changed; all sessions have ended"),
        "registered": _("The cabinet was registered to number {number}"),
        "reregistered": _("The cabinet was re-registered to number {number}"),
        "login_set": _("A login was set: {login}"),
        "email_asked": _("A letter to confirm the address was sent: {email}"),
        "email_confirmed": _("The e-mail address was confirmed: {email}"),
        "user_added": _("User added: {user}"),
        "user_changed": _("User changed: {user}"),
        "user_confirmed": _("User has confirmed the address: {user}"),
        "user_removed": _("User removed: {user}"),
        "code": _("A code was sent: {purpose}"),
        "bound": _("Device bound: {device}"),
        "unbound": _("Device unbound: {device} ({reason})"),
    }
    values["device"] = values.get("model", "")
    values["purpose"] = _purposes().get(values.get("purpose", ""), values.get("purpose", ""))
    values["reason"] = _reasons().get(values.get("reason", ""), values.get("reason", ""))
    if kind == "registered" and not values.get("number"):
        return str(_("The account was made"))
    if kind == "password_changed" and data.get("by_another"):
        return str(_("A new password was given by whoever manages the users"))
    if kind == "password_changed" and data.get("kept_session"):
        return str(_("The password was changed; all other sessions have ended"))
    return words.get(kind, kind).format_map(defaultdict(str, values))


def event_details(kind: str, data: Mapping[str, object]) -> str:
    """The text below a line of the feed, or nothing."""
    if kind == "code":
        return _statuses().get(str(data.get("status", "")), "")
    wrong = int(str(data.get("wrong_before", 0) or 0))
    if kind == "signed_in" and wrong:
        return str(_("Wrong passwords before it: {count}").format(count=wrong))
    return ""


def _purposes() -> Mapping[str, str]:
    return {
        "password_reset": _("for a new password"),
        "sign_in": _("for signing in"),
        "number_change": _("for re-registration"),
        "sign_up": _("for registration"),
    }


def _reasons() -> Mapping[str, str]:
    return {
        "moved": _("the number moved to another device"),
        "other_number": _("the device took another number"),
        "unbound": _("unbound in the app"),
        "operator": _("unbound by the support service"),
    }


def _statuses() -> Mapping[str, str]:
    return {
        "pending": _("Waiting to be entered"),
        "approved": _("Entered correctly"),
        "exhausted": _("Entered wrongly too often"),
        "expired": _("Not entered in time"),
        "cancelled": _("Cancelled"),
    }
