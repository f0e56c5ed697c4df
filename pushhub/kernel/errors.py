"""Everything that can be refused. One handler turns it into RFC 9457 `application/problem+json`.

`code` is stable and is what programs match on; the words may change. No text here ever carries a code, a
password, a push target or a full number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar


class ConfigurationError(Exception):
    """The service can't start like this. The text is a sentence that says what to change."""


class PushhubError(Exception):
    """A refusal with a stable code. Each class of it names its own code and HTTP status.

    Args:
        detail: what to do about it, safe to show; the class's own text if left out.
        retry_at: when the same request may succeed (aware UTC), for limits.
        members: further members of the problem document, e.g. `reason="never_bound"`.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    text: ClassVar[str] = "The request was not carried out. Try again; if it goes on, tell the operator."

    def __init_subclass__(cls, *, code: str, status: int) -> None:
        cls.code, cls.status = code, status

    def __init__(self, detail: str | None = None, *, retry_at: datetime | None = None, **members: Any) -> None:
        super().__init__(detail or self.text)
        self.detail = detail or self.text
        self.retry_at = retry_at
        self.members = members


class InvalidRequest(PushhubError, code="invalid_request", status=422):
    title = "The request has fields that are not right"
    text = "See `errors`: it names each field and what it must be."


class MalformedBody(PushhubError, code="malformed_body", status=400):
    title = "The body can't be read"
    text = "Send one JSON object, in UTF-8, with the header `Content-Type: application/json`."


class UnsupportedMediaType(PushhubError, code="unsupported_media_type", status=415):
    title = "The body is not JSON"
    text = "Send the body as JSON with the header `Content-Type: application/json`."


class BodyTooLarge(PushhubError, code="body_too_large", status=413):
    title = "The body is too large"
    text = "A request body may have at most 64 KiB; one of POST /v1/notifications, 512 KiB."


class NotFound(PushhubError, code="not_found", status=404):
    title = "There is no such thing"
    text = "Nothing of yours has this address. Check the id and that it was made with a key of the same product."


class MethodNotAllowed(PushhubError, code="method_not_allowed", status=405):
    title = "This address does not take this method"
    text = "The header `Allow` lists the methods it takes."


class BadApiKey(PushhubError, code="bad_api_key", status=401):
    title = "No valid API key"
    text = "Send `Authorization: Bearer phk_live_…` (or phk_test_…) with a key that has not been revoked."


class PanelOver(PushhubError, code="panel_over", status=401):
    """One answer for closed, run out, never made and another panel's, so that nothing can be learned by trying."""

    title = "This panel has ended"
    text = "Open the page again: the product's server makes a new panel (POST /v1/panels) with a new secret."


class OriginRefused(PushhubError, code="origin_refused", status=403):
    title = "This panel belongs to another site"
    text = "A panel that was made with an `origin` works on pages of that origin alone."


class MissingScope(PushhubError, code="missing_scope", status=403):
    title = "This API key may not do that"
    text = "Ask the operator for a key with the scope named in `scope`."


class BadProof(PushhubError, code="bad_proof", status=401):
    title = "The proof of the device's key was not accepted"
    text = (
        "Send a fresh DPoP proof (RFC 9449, ES256) for this method and address; `server_time` is our clock, "
        "and a proof may be at most 60 seconds off."
    )


class BadDeviceSecret(PushhubError, code="bad_device_secret", status=401):
    title = "This device is not known"
    text = "Bind the device (again) with a password or QR from the product's cabinet."


class DeviceUnbound(PushhubError, code="device_unbound", status=409):
    title = "This device is bound to no number now"
    text = "Bind it again with a password or QR from the product's cabinet."


class NumberInvalid(PushhubError, code="number_invalid", status=422):
    title = "That is not a phone number"
    text = "Write the number in international form with its country code, for example +77011234567."


class NumberNotAllowed(PushhubError, code="number_country_not_allowed", status=422):
    title = "Numbers of this country are not served"
    text = "This product serves numbers of the countries listed in `countries`."


class UnknownPurpose(PushhubError, code="unknown_purpose", status=422):
    title = "The product has no such purpose"
    text = "Use one of `purposes`."


class AssuranceNotAllowed(PushhubError, code="assurance_not_allowed", status=403):
    title = "The product may not claim this assurance"
    text = "`assurances` lists what this product may say of how a number was proven."


class OfferNotAccepted(PushhubError, code="offer_not_accepted", status=422):
    """One answer for wrong, used, expired and never-made, so that nothing can be learned by trying."""

    title = "The password or QR code was not accepted"
    text = "Look at the password shown now in the cabinet, or ask the cabinet for a new one, and try again."


class PasswordMistyped(PushhubError, code="password_mistyped", status=422):
    title = "There is a slip in the password"
    text = "The 12 digits do not fit together. Compare them with the cabinet; this did not count as a try."


class QrNotUnderstood(PushhubError, code="qr_not_understood", status=422):
    title = "This QR code is not one of ours"
    text = "Scan the QR code that the product's cabinet shows, with the newest version of the app."


class ConsentOutdated(PushhubError, code="consent_outdated", status=409):
    title = "The consent text has changed"
    text = "Show the text of `consent_version` (GET /mobile/v1/config) and send its version."


class RebindTooSoon(PushhubError, code="rebind_too_soon", status=409):
    title = "This device was bound to another number less than 30 days ago"
    text = "A device may change to a different number once in 30 days; `retry_at` tells from when."


class NumberBoundElsewhere(PushhubError, code="number_bound_elsewhere", status=409):
    title = "This number is bound to another device"
    text = (
        "An offer that was made without proving who asked can't take a number from another device. Use the "
        "QR or password shown after signing in to the cabinet."
    )


class NumberUnreachable(PushhubError, code="number_unreachable", status=409):
    title = "No channel can reach this number"
    text = "`reason` says why. Where it is never_bound or unbound, show an offer (POST /v1/offers)."


class ChannelNotInRoute(PushhubError, code="channel_not_in_route", status=422):
    title = "The product does not use this channel"
    text = "`channels` takes some of `route`, the product's channel order. An operator changes that order."


class NotArmed(PushhubError, code="not_armed", status=409):
    title = "The code has not been opened on the phone yet"
    text = "The person opens the code in the app first; until then a check is refused without counting."


class CodeMalformed(PushhubError, code="code_malformed", status=422):
    title = "That can't be the code"
    text = "The code has exactly `digits` digits. This did not count as a try."


class VerificationClosed(PushhubError, code="verification_closed", status=409):
    title = "This verification has ended"
    text = "`verification_status` says how. Ask for a new one (POST /v1/verifications)."


class ResendTooEarly(PushhubError, code="resend_too_early", status=429):
    title = "It is too early to send the code again"
    text = "Wait until `retry_at`."


class ResendLimitReached(PushhubError, code="resend_limit_reached", status=409):
    title = "This code was sent as often as it may be"
    text = "Cancel this verification or let it expire, then ask for a new one."


class TooManyCodes(PushhubError, code="too_many_codes", status=429):
    title = "Too many codes were sent to this number"
    text = "Wait until `retry_at`. The limit counts codes of all products, to protect the person."


class TooManyTries(PushhubError, code="too_many_tries", status=429):
    title = "Too many wrong passwords came from this address"
    text = "Wait until `retry_at`."


class CursorMalformed(PushhubError, code="cursor_malformed", status=422):
    title = "This cursor was not given by us"
    text = "Send `next` of the page before as `after`, unchanged; leave `after` out to begin with the oldest event."


class WebhookUrlRefused(PushhubError, code="webhook_url_refused", status=422):
    title = "No webhook can go to this address"
    text = "`reason` says why. An address is https://, on the open Internet, and holds no user name or password."


class TooManyWebhooks(PushhubError, code="too_many_webhooks", status=409):
    title = "The product has as many webhooks as it may"
    text = "Delete one that is not needed any more, or change it (PATCH /v1/webhooks/{id})."


class WebhookDisabled(PushhubError, code="webhook_disabled", status=409):
    title = "This webhook is disabled"
    text = "`disabled_reason` says why. Enable it first: PATCH /v1/webhooks/{id} with `enabled: true`."


class TooManyRequests(PushhubError, code="too_many_requests", status=429):
    title = "This API key is sending too fast"
    text = "`RateLimit-Policy` tells the quota. Wait until `retry_at`."


class NotificationTooLarge(PushhubError, code="notification_too_large", status=422):
    title = "The notification does not fit into a push"
    text = (
        "Title, body and data may have `at_most` bytes together, in each language; these have `bytes` (`locale` is "
        "null for the title and body themselves). A Cyrillic letter takes two. Shorten the body; the app can fetch "
        "the rest."
    )


class NotificationSent(PushhubError, code="notification_sent", status=409):
    title = "The whole notification has gone out"
    text = "There is nothing left to stop. `progress` of GET /v1/notifications/{id} says how far it has come."


class IdempotencyKeyMalformed(PushhubError, code="idempotency_key_malformed", status=400):
    title = "The Idempotency-Key can't be used"
    text = "An Idempotency-Key has 1 to 255 visible ASCII characters; a UUID is a good one."


class IdempotencyKeyReused(PushhubError, code="idempotency_key_reused", status=422):
    title = "This Idempotency-Key belongs to another request"
    text = "Use a new key for each new request; repeat a key only with exactly the same request."


class ForgeryRefused(PushhubError, code="forgery_refused", status=403):
    title = "The page that sent this is not one of ours, or is too old"
    text = "Reload the page and try again."


class RegistryUnavailable(PushhubError, code="registry_unavailable", status=503):
    title = "The state register does not answer"
    text = "Nothing was changed. Try again in a few minutes."


class CustomersUnavailable(PushhubError, code="customers_unavailable", status=503):
    title = "The product's own customer service does not answer"
    text = "Nothing was changed. Try again in a few minutes."


class CabinetNotReady(PushhubError, code="cabinet_not_ready", status=503):
    title = "This cabinet has not been set up"
    text = "The operator makes its product with `pushhub cabinet create`."


class Busy(PushhubError, code="busy", status=503):
    title = "Too much is happening at this moment"
    text = "Nothing was changed. Try again in a few seconds."


class DatabaseUnavailable(PushhubError, code="database_unavailable", status=503):
    title = "The database can't be reached"
    text = "Nothing was changed. Try again in a few seconds; the operator finds the cause in `pushhub doctor`."
