"""The texts of the panel, in the language of the moment."""

from __future__ import annotations

from flask_babel import gettext as _


def panel_texts() -> dict[str, str]:
    """By name. `{values}` in braces are put in by the module."""
    return {
        "title": _("Confirmation of the number"),
        "title.bind": _("Binding of the app"),
        "lead.push": _("The confirmation code comes to the app on the phone with the number {number}."),
        "lead.sms": _("The confirmation code comes by SMS to the number {number}."),
        "send": _("Send the code"),
        "why.never_bound": _(
            "Codes come to the app, and no app has the number {number} yet. Bind the app on your phone to it: this is "
            "done once."
        ),
        "why.notifications_off": _(
            "In the app with the number {number} notifications are switched off. Switch them on in the phone's "
            "settings, or bind the app again."
        ),
        "why.gone": _("The app on {number} can't be reached now. Bind it again."),
        "why.closed": _(
            "No device has been bound to the number {number} by its owner yet. For your safety a new one can be bound "
            "only after signing in, or when the number is updated."
        ),
        "bind.how": _(
            "Open the app on the phone, enter the number {number} there, and scan the QR code or type the one-time "
            "password."
        ),
        "bind.warn": _(
            "The device will be bound to this phone number: signing in to the app with another number will not be "
            "possible for 30 days."
        ),
        "qr": _("QR code for the app"),
        "password": _("One-time password"),
        "password.changes": _("The password changes in {seconds} s."),
        "open": _("Open in the app on this device"),
        "offer.life": _("This invitation is valid for {time} more."),
        "offer.over": _("This invitation has ended."),
        "offer.guessed": _("The password was wrong too often, so this invitation has ended. Make a new one."),
        "offer.renew": _("Show a new QR code and password"),
        "bound": _("The device is bound to {number}."),
        "bound.next": _("The device is bound to {number}. Now have the code sent to it."),
        "sent.push": _("A notification with the code is on its way to the app on {number}."),
        "sent.sms": _("The code is on its way by SMS to {number}."),
        "sent.email": _("The code is on its way by e-mail."),
        "within": _("It should arrive within 60 seconds."),
        "opened": _("The code is open on the phone. Type it here."),
        "late": _("Not there yet? Open the app on the phone; the code is in its feed. You can also send it again."),
        "code": _("Confirmation code"),
        "check": _("Confirm"),
        "resend": _("Send again"),
        "resent": _("The notification was sent again."),
        "ask.anew": _("Ask for a new code"),
        "resend.wait": _("You can ask for the code again in {seconds} s."),
        "code.valid_for": _("The code is valid for {time} more."),
        "code.form": _("The code has {digits} digits."),
        "attempts": _("That is not the code. Attempts left: {left}."),
        "exhausted": _("The code was wrong too often and is worthless now. Ask for a new one."),
        "expired": _("The code has expired. Ask for a new one."),
        "cancelled": _("This code is over. Ask for a new one."),
        "approved": _("The number {number} is confirmed."),
        "over": _("This took too long or was ended. Open the page again and go on from there."),
        "offline": _("There is no connection. It goes on by itself as soon as there is one."),
        "error.number_unreachable": _("The app on this number can't be reached."),
        "error.too_many_codes": _("Too many codes were sent. Try again after {when}."),
        "error.too_many_requests": _("That was too fast. Try again in a minute."),
        "error.not_armed": _("Open the code on the phone first, then type it here."),
        "error.resend_too_early": _("Wait a little before sending the code again."),
        "error.resend_limit_reached": _(
            "The code was sent as often as possible. Wait until it expires, then ask anew."
        ),
        "error.verification_closed": _("This code is over. Ask for a new one."),
        "error.origin_refused": _("This page may not show the panel. Tell the operator of the site."),
        "error.offline": _("There is no connection to the service. Try again."),
        "error.other": _("That did not work. Try again; if it goes on, tell the operator."),
    }
