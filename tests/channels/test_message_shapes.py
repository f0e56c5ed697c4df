"""What the channels write is what the libraries' own models write for the same message."""

from __future__ import annotations

import json
import warnings
from datetime import timedelta
from typing import Any

import pytest
from apns2.payload import Payload, PayloadAlert
from channel_material import NOW, message
from firebase_admin import messaging
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pushhub.channels import apns, fcm
from pushhub.channels.contract import Message, PushKind, PushTarget
from pushhub.channels.json_template import JsonTemplate, hole, members, members_hole, text
from pushhub.kernel import clock

#: Whatever UTF-8 can carry, with much of what could break a template.
AWKWARD = st.sampled_from(
    ["", "%s", "%(title)s", "%", "<<title>>", '"<<data>>":"<<data>>"', '"', "\\", "\x00", "\n", "😀"]
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | AWKWARD
DATA = st.dictionaries(TEXT, TEXT, max_size=5)
MESSAGES = st.builds(
    Message,
    id=st.uuids(),
    collapse_id=TEXT,
    target=st.builds(PushTarget, st.sampled_from([PushKind.FCM_TOKEN, PushKind.FCM_FID]), TEXT.filter(bool)),
    title=TEXT,
    body=TEXT,
    data=DATA,
    expires_at=st.timedeltas(timedelta(days=-1), timedelta(days=60)).map(lambda left: NOW + left),
    urgent=st.booleans(),
)


def written_by_firebase_admin(message: Message) -> Any:
    target, left = message.target, (message.expires_at - NOW).total_seconds()
    assert isinstance(target, PushTarget)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = messaging.Message(
            data=dict(message.data),
            notification=messaging.Notification(title=message.title, body=message.body),
            android=messaging.AndroidConfig(
                collapse_key=message.collapse_id,
                priority="high" if message.urgent else "normal",
                ttl=min(max(int(left), 0), fcm.MAX_TTL),
                notification=messaging.AndroidNotification(
                    tag=message.collapse_id, channel_id="codes" if message.urgent else "notifications"
                ),
            ),
            **{"token" if target.kind is PushKind.FCM_TOKEN else "fid": target.value},
        )
    return json.loads(str(model))


def written_by_apns2(message: Message) -> Any:
    payload = Payload(
        alert=PayloadAlert(title=message.title, body=message.body),
        sound="default",
        mutable_content=True,
        interruption_level="time-sensitive" if message.urgent else None,
        custom=dict(message.data),
    )
    return payload.dict()


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(message=MESSAGES)
def test_fcm_gets_what_firebase_admin_writes_field_by_field(message: Message) -> None:
    with clock.use(lambda: NOW):
        assert json.loads(fcm.build(message)) == {"message": written_by_firebase_admin(message)}


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(message=MESSAGES)
def test_apns_gets_what_apns2_writes_field_by_field(message: Message) -> None:
    assume("aps" not in message.data)
    assert json.loads(apns.build(message)) == written_by_apns2(message)


@pytest.mark.parametrize("wrong", [None, 5, b"x", ["x"]])
@pytest.mark.parametrize("place", ["title", "body", "collapse_id", "key", "value"])
def test_what_is_no_text_is_refused_as_the_models_refuse_it(place: str, wrong: Any) -> None:
    if place == "key" and not isinstance(wrong, list):
        changes: dict[str, Any] = {"data": {wrong: "x"}}
    elif place in ("key", "value"):
        changes = {"data": {"kind": wrong}}
    else:
        changes = {place: wrong}
    with pytest.raises(fcm.UnfitMessage) as caught:
        fcm.build(message(**changes))
    assert caught.value.reason == "invalid_message"
    assert caught.value.__context__ is None  # the error of the codec would quote the message


def test_a_shape_without_the_place_for_a_text_is_a_defect() -> None:
    with pytest.raises(ValueError, match="no place for body"):
        JsonTemplate({"title": hole("title")}, "title", "body")


def test_a_template_fills_texts_and_members() -> None:
    template = JsonTemplate({"a": {"b": hole("b"), **members_hole("rest")}, "per%cent": "100%"}, "b", "rest")
    filled = template.filled({"b": text('%(rest)s "'), "rest": members({"x": "1", "y": "ж"})})
    assert filled.decode() == '{"a":{"b":"%(rest)s \\"","x":"1","y":"ж"},"per%cent":"100%"}'
