"""What Push Kit's answers mean, as tables, and how its OAuth server is asked.

Push Kit answers `{"code", "msg", "requestId"}`; the code decides, the HTTP status only where there is none.
Where C, G and O stand below, the source is

    C  https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197
    G  https://developer.huawei.com/consumer/en/doc/HMSCore-Guides/commonerror-0000001059816656
    O  https://developer.huawei.com/consumer/en/doc/HMSCore-References/server-error-codes-0000001062371380

An outcome's `reason` is Push Kit's code, or a word of ours in small letters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from google.auth.exceptions import RefreshError

from pushhub.channels.contract import Accepted, Outcome, Rejected, TargetDead
from pushhub.channels.credentials import Grant
from pushhub.channels.outcomes import DEAD, DOWN, REJECTED, AnswerRow, is_theirs, outcome_of, retry, unknown_answer
from pushhub.channels.transport import post_blocking
from pushhub.kernel.http_values import json_object

SUCCESS: Final = "80000000"
SOME_FAILED: Final = "80100000"
NO_PERMISSION: Final = "80300002"

#: By `code` of the body. SUCCESS and SOME_FAILED are decided in `hms_outcome`.
HMS_OUTCOMES: Final[Mapping[str, AnswerRow]] = {
    "80100001": REJECTED,  # C: a parameter is wrong
    "80100002": REJECTED,  # C: synchronous sending takes one target
    "80100003": REJECTED,  # C, G: the structure of the message is wrong
    "80100004": REJECTED,  # C: the message expires before now
    "80100013": REJECTED,  # C: collapse_key is wrong
    "80100016": REJECTED,  # C, G: the content was judged sensitive
    "80100017": REJECTED,  # C: too many topics
    "80200001": retry(0),  # C: the credential was refused; see CREDENTIAL_REFUSED
    "80200003": retry(0),  # C: the credential ran out; see CREDENTIAL_REFUSED
    NO_PERMISSION: DOWN,  # C, G: service off, other region, other app id in the address; or another app's target
    "80300007": DEAD,  # C, G: all targets are invalid, and we send to one
    "80300008": REJECTED,  # C: the message is too long
    "80300010": REJECTED,  # C: the number of targets is out of bounds
    "80300011": DOWN,  # C: the app may not send messages of high priority
    "80300013": REJECTED,  # C: the receipt address is wrong
    "80600003": retry(10),  # C: Huawei's own OAuth service did not answer
    "81000001": retry(10),  # C: internal error
}

#: By HTTP status, for answers without a code.
HMS_STATUSES: Final[Mapping[int, AnswerRow]] = {
    400: REJECTED,  # C: a parameter is wrong
    401: retry(0),  # C: the credential was refused; see CREDENTIAL_REFUSED
    404: DOWN,  # C: no such service: the address is wrong
    429: retry(60),  # flow control, by the HTTP standard
    500: retry(10),  # C: internal error
    502: retry(10),  # C, G: the connection inside is disturbed
    503: retry(60),  # C, G: flow control
}

#: Reasons that speak of our credential, not of the message: a new one may be accepted.
CREDENTIAL_REFUSED: Final = frozenset({"80200001", "80200003", "http_401"})

_CODE = re.compile(r"8[0-9]{7}")

#: `error` of Huawei's OAuth server for an id or a secret that is wrong (O), and how long its credential lives.
_WRONG_CLIENT = 1101
_LIFETIME = 3600.0


def hms_outcome(status: int, headers: Mapping[str, str], body: bytes, target: str) -> Outcome:
    """What an answer of Push Kit to a message for one target means. Total: it raises nothing."""
    content = json_object(body) or {}
    code = content.get("code")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else None
    if code == SOME_FAILED and target in _illegal(content.get("msg")):
        return TargetDead(SOME_FAILED)
    if code in (SUCCESS, SOME_FAILED):  # ours was sent: it is not among the illegal ones
        request_id = content.get("requestId")
        return Accepted(request_id[:200] if isinstance(request_id, str) else "")
    if code is not None and code in HMS_OUTCOMES:
        return outcome_of(HMS_OUTCOMES[code], code, headers)
    row = HMS_STATUSES.get(status) or (HMS_STATUSES[500] if status >= 500 else None)
    if code is None and row is not None:
        return outcome_of(row, f"http_{status}", headers)
    unknown = unknown_answer("hms", status, "unreadable_answer" if status == 200 and code is None else None)
    return outcome_of(row, unknown.reason, headers) if row and is_theirs(status) else Rejected(code or unknown.reason)


def _illegal(report: object) -> list[Any]:
    """The targets that were not sent to; `msg` is JSON in a string, {"success", "failure", "illegal_tokens": […]}."""
    content = json_object(report.encode("utf-8", "replace")) if isinstance(report, str) else None
    illegal = (content or {}).get("illegal_tokens")
    return illegal if isinstance(illegal, list) else []


def huawei_fetch(url: str, app_id: str, secret: str, extra_roots: bytes | None) -> Callable[[], Grant]:
    """How `OAuthCredential` asks Huawei (client credentials, RFC 6749 4.4). Refusals are raised in google-auth's
    words, because that is what `OAuthCredential` reads."""
    form = urlencode({"grant_type": "client_credentials", "client_id": app_id, "client_secret": secret}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}

    def fetch() -> Grant:
        response = post_blocking(url, headers, form, extra_roots)
        if response.status != 200:
            raise _refusal(response.status, (json_object(response.body) or {}).get("error"))
        answer = json.loads(response.body)
        return Grant.bearer(answer["access_token"], float(answer.get("expires_in", _LIFETIME)))

    return fetch


def _refusal(status: int, error: object) -> RefreshError:
    word = "invalid_client" if error in (_WRONG_CLIENT, str(_WRONG_CLIENT), "invalid_client") else ""
    refusal = "Huawei gives no credential."
    return RefreshError(refusal, {"error": word}, retryable=is_theirs(status))  # type: ignore[no-untyped-call]
