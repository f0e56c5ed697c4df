"""The texts that the app's script says, in the language of the request. `error.*` are named by the stable
codes of refusals (`pushhub/kernel/errors.py`); `{name}` is put in by the script."""

from __future__ import annotations

from flask_babel import gettext as _


def script_texts() -> dict[str, str]:
    """Every text by its name."""
    return {
        "password_unfinished": _("{left} more digits"),
        "password_fits": _("The digits fit together"),
        "password_mistyped": _("There is a slip in the digits. Compare them with the screen; this does not count."),
        "number_incomplete": _("Enter the whole number, for example +7 (705) 754-68-68."),
        "consent_missing": _("Tick that you have read and accept the conditions."),
        "since": _("Bound on {when}"),
        "other_number_from": _("Another number is possible from {when}"),
        "other_number_now": _("Another number is possible at any time"),
        "code_here": _("Your confirmation code. Tell it to nobody."),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "not_copied": _("The browser does not allow copying; type the digits"),
        "time_left": _("Valid for {time} more"),
        "code_over": _("This code is not valid any more"),
        "code_used": _("This code was used"),
        "code_again": _("The code was sent again. It is in the newer message."),
        "your_code": _("Your code: {code}"),
        "arrived": _("New notification: {title}"),
        "ended_moved": _(
            "The number is now bound to another device. If it was not you, sign in to the cabinet and bind it again."
        ),
        "ended_unbound": _("You have unbound the number from this device."),
        "ended_operator": _("An operator has unbound the number from this device."),
        "ended_other_number": _("This device was bound to another number."),
        "ended_unknown": _("The service does not know this device any more."),
        "ended_at": _("It happened on {when}."),
        "known_at": _("Shown as it was on {when}. Codes can be seen only with a connection."),
        "clock_fast": _("The clock of this phone is fast. Codes work all the same; turn on automatic date and time."),
        "clock_slow": _("The clock of this phone is slow. Codes work all the same; turn on automatic date and time."),
        "camera_none": _(
            "There is no camera that the app may use. Take the QR code from a photo, or enter the password."
        ),
        "camera_denied": _(
            "The app may not use the camera. Allow it in the settings of the browser, take the QR code from a photo, "
            "or enter the password."
        ),
        "photo_reading": _("Looking for the QR code in the photo…"),
        "photo_without_code": _("There is no QR code to be found in this photo. Take it nearer and without glare."),
        "photo_unreadable": _("This file is not a picture that the browser can show."),
        "push_simulated": _("Push services are simulated here: notifications appear while the app is open."),
        "push_impossible": _("Notifications appear while the app is open."),
        "push_default": _(
            "Notifications appear while the app is open. Allow them, and they come when it is closed, too."
        ),
        "push_granted": _("Notifications come when the app is closed, too."),
        "push_denied": _(
            "Notifications are blocked in the settings of the browser. They appear here while the app is open."
        ),
        "installed": _("The app is installed on this device."),
        "install_now": _("Put the app on the home screen, so that it is always at hand."),
        "install_apple": _("Tap “Share” in the browser, then “Add to Home Screen”."),
        "install_menu": _("Choose “Install app” or “Add to home screen” in the menu of the browser."),
        "error.number_invalid": _("There is no such number. Check the digits and the country code."),
        "error.password_mistyped": _(
            "There is a slip in the digits. Compare them with the screen; this does not count."
        ),
        "error.offer_not_accepted": _(
            "The password or QR code was not accepted. Look at the password shown right now: it changes all the time "
            "and works once. Check the number too."
        ),
        "error.qr_not_understood": _("This QR code is not one of ours. Scan the one on the page of the cabinet."),
        "error.rebind_too_soon": _(
            "This device is bound to another number. It can be bound to a different one from {when}."
        ),
        "error.number_bound_elsewhere": _(
            "This number is bound to another device. Sign in to the cabinet on the website and use the QR code or "
            "password that is shown there."
        ),
        "error.too_many_tries": _("Too many wrong passwords. Try again after {when}."),
        "error.consent_outdated": _("The conditions have changed. Read them and accept them again."),
        "error.bad_proof": _(
            "The clock of this phone is wrong. Turn on automatic date and time in its settings and try again."
        ),
        "error.device_unbound": _("This device is not bound to a number now."),
        "error.not_found": _("This notification is no longer there."),
        "no_answer": _("No answer from the service. Try again."),
        "error.offline": _("No connection to the service. The app goes on by itself as soon as there is one."),
        "error.busy": _("The service is very busy. Try again in a few seconds."),
        "error.other": _("Something went wrong on our side. Try again."),
    }
