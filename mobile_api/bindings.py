"""Binding this device to a number, and what it reports of itself."""

from __future__ import annotations

from typing import Any

from flask import request

from mobile_api import schemas
from mobile_api.signed import (
    operations,
    signed_by_known_device,
    signed_by_new_key,
    the_bound_device,
    the_device,
    the_new_key,
)
from pushhub.binding.bind import PasswordShown, QrScanned, last_binding, rebind_date
from pushhub.binding.bind import bind as bind_device
from pushhub.binding.bind import unbind as unbind_device
from pushhub.channels.contract import PushTarget
from pushhub.devices import devices
from pushhub.devices.devices import DeviceDescription
from pushhub.devices.models import Binding
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel import errors
from pushhub.kernel.ids import Prefix, public_id
from pushhub.translations.message_texts import best_locale

face = operations("app_bindings", __name__, "Binding a device to a number", guard=None)


@face.operation(
    "POST",
    "/bindings",
    body=schemas.NewBinding,
    answer=schemas.BindingMade,
    status=201,
    refuses=[
        errors.NumberInvalid,
        errors.OfferNotAccepted,
        errors.PasswordMistyped,
        errors.QrNotUnderstood,
        errors.ConsentOutdated,
        errors.RebindTooSoon,
        errors.NumberBoundElsewhere,
        errors.TooManyTries,
    ],
)
@face.guarded(signed_by_new_key)
def bind(body: dict[str, Any]) -> dict[str, Any]:
    """Bind this device by the password or the QR code of an offer; the proof is made with the device's new key"""
    presented: PasswordShown | QrScanned
    if "qr" in body:
        presented = QrScanned(body["qr"], PhoneNumber.parse(body["number"]) if "number" in body else None)
    else:
        presented = PasswordShown(PhoneNumber.parse(body["number"]), body["password"])
    bound = bind_device(
        presented,
        _description(body["device"]),
        key_thumbprint=the_new_key(),
        consent_version=body["consent_version"],
        address=request.remote_addr or "",
    )
    return {
        "binding": _shown(bound.binding) | {"rebind_allowed_at": bound.rebind_allowed_at},
        "device": {"id": public_id(Prefix.DEVICE, bound.device.id), "secret": bound.secret},
    }


@face.operation("GET", "/binding", answer=schemas.BindingState)
@face.guarded(signed_by_known_device)
def show_binding() -> dict[str, Any]:
    """Whether this device is bound, to which number, and if not any more, why"""
    known = the_device()
    if known.binding is not None:
        shown = _shown(known.binding) | {"rebind_allowed_at": rebind_date(known.device.id)}
        return {"bound": True, "binding": shown, "ended": None}
    last = last_binding(known.device.id)
    ended = {"reason": last.end_reason, "at": last.ended_at} if last is not None else None
    return {"bound": False, "binding": None, "ended": ended}


@face.operation("DELETE", "/binding", answer=None, status=204, refuses=[errors.DeviceUnbound])
@face.guarded(signed_by_known_device)
def unbind() -> None:
    """Let the number go. The 30 days to a different number go on counting"""
    unbind_device(the_bound_device().device.id)


@face.operation("PUT", "/device", body=schemas.DeviceChange, answer=schemas.Device)
@face.guarded(signed_by_known_device)
def update_device(body: dict[str, Any]) -> dict[str, Any]:
    """Report a new push target, language, version, or whether notifications are allowed"""
    target = body.pop("push_target", None)
    if "locale" in body:
        body["locale"] = best_locale(body["locale"])
    device = devices.update_device(
        the_device().device.id, push_target=PushTarget(**target) if target is not None else None, **body
    )
    return {
        "id": public_id(Prefix.DEVICE, device.id),
        "platform": device.platform,
        "model": device.model,
        "app_version": device.app_version,
        "locale": device.locale,
        "push_kind": device.push_kind,
    }


def _description(given: dict[str, Any]) -> DeviceDescription:
    changed = {"locale": best_locale(given["locale"]), "push_target": PushTarget(**given["push_target"])}
    return DeviceDescription(**given | changed)


def _shown(binding: Binding) -> dict[str, Any]:
    return {
        "id": public_id(Prefix.BINDING, binding.id),
        "number": binding.number.e164,
        "bound_at": binding.bound_at,
    }
