"""The texts of the start page's script, in the language of the page."""

from __future__ import annotations

from flask_babel import gettext as _


def script_texts(*, simulated: bool) -> dict[str, str]:
    """By name. `{values}` in braces are put in by the script. `simulated`: the push providers are simulators."""
    return {
        "sent": _("A notification with the code is on its way to the app on {number}."),
        "within": _("It should arrive within 60 seconds."),
        "arrived": _("The notification is on the phone. Open the code there and type it here."),
        "opened": _("The code is open on the phone. Type it here."),
        "late": _("Not there yet? Open the app on the phone; the code is in its feed. You can also send it again."),
        "send.again": _("Send again"),
        "ask.anew": _("Ask for a new code"),
        "resend.wait": _("You can ask for the code again in {seconds} s."),
        "resend.now": _("You can send the code again."),
        "code.valid_for": _("The code is valid for {time} more."),
        "code.form": _("The code has {digits} digits."),
        "attempts": _("That is not the code. Attempts left: {left}."),
        "exhausted": _("The code was wrong too often and is worthless now. Ask for a new one."),
        "expired": _("The code has expired. Ask for a new one."),
        "cancelled": _("This code was cancelled. Ask for a new one."),
        "approved": _("The number {number} is confirmed."),
        "bind.lead": _("The system could not send a code: the number {number} has no app yet."),
        "bind.again": _("The app on {number} can't be reached now. Bind it again."),
        "password.changes": _("The password changes in {seconds} s."),
        "offer.life": _("This invitation is valid for {time} more."),
        "offer.over": _("This invitation has ended. Make a new one."),
        "offer.guessed": _("The password was wrong too often, so this invitation has ended. Make a new one."),
        "bind.not_yet": _("No phone is bound to the number yet. Do step 2 first."),
        "bound": _("The phone is bound to {number}. Send the code again."),
        "status.queued": _("Queued"),
        "status.sending": _("Being sent"),
        "status.accepted": _("Accepted by {channel}"),
        "status.received": _("Received by the phone"),
        "status.seen": _("Opened on the phone"),
        "status.dead": _("The app is not there any more"),
        "status.failed": _("Could not be sent"),
        "status.expired": _("Ran out of time"),
        "seconds.later": _("+{seconds} s"),
        "channel.fcm": _("FCM (simulated)") if simulated else "FCM",
        "channel.apns": _("APNs (simulated)") if simulated else "APNs",
        "channel.poll": _("the feed of the app"),
        "channel.recording": _("nobody (test)"),
        "error.number_invalid": _("That is not a phone number. Write it with the country code: +7 (701) 123-45-67."),
        "error.number_country_not_allowed": _("Numbers of this country are not served."),
        "error.number_unreachable": _("The app on this number can't be reached."),
        "error.too_many_codes": _("Too many codes were sent. Try again after {when}."),
        "error.too_many_requests": _("That was too fast. Try again in a minute."),
        "error.not_armed": _("Open the code on the phone first, then type it here."),
        "error.code_malformed": _("The code has {digits} digits."),
        "error.resend_too_early": _("Wait a little before sending the code again."),
        "error.resend_limit_reached": _(
            "The code was sent as often as possible. Wait until it expires, then ask anew."
        ),
        "error.verification_closed": _("This code is over. Ask for a new one."),
        "error.not_found": _("This is over. Begin again."),
        "error.forgery_refused": _("The page is too old. Reload it."),
        "error.busy": _("Too much is happening at this moment. Try again in a few seconds."),
        "error.database_unavailable": _("The service can't answer now. Try again in a few seconds."),
        "error.offline": _("There is no connection to the service. Try again."),
        "error.other": _("That did not work. Try again; if it goes on, tell the operator."),
    }
