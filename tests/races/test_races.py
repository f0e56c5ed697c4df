"""Many at once, on a real PostgreSQL: exactly one wins, and nobody looks more often than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event, Lock, Thread
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from pushhub.channels.contract import Retry
from pushhub.channels.recording import RecordingChannel
from pushhub.context import AppContext
from pushhub.delivery import outbox
from pushhub.delivery.models import Delivery
from pushhub.devices.models import Binding, Offer
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import db, transaction
from pushhub.kernel.errors import PushhubError
from pushhub.kernel.ids import Prefix, parse_id
from pushhub.products.products import Caller, recognise
from pushhub.verifications import check
from pushhub.verifications.ask import ask
from pushhub.verifications.code_message import CODES
from pushhub.verifications.models import Verification
from pushhub.verifications.resend import resend as resend_code
from reference_device import Refused
from tests.support.actors import NUMBER, OTHER_NUMBER, MakePhone, MakeShop, Phone, Shop, expect, refusal
from tests.support.applications import MakeApp
from tests.support.bodies import wrong
from tests.support.databases import FakeClock
from tests.support.dispatching import Dispatch, Later
from tests.support.rows import rows, values
from tests.support.statements import before_each_commit, before_first

pytestmark = pytest.mark.postgresql  # SQLite lets one writer in at a time anyhow

T = TypeVar("T")
MANY = 64


@pytest.fixture
def at_once(app: Flask) -> Callable[..., list[Any]]:
    """Do something many times at the same moment, each on a thread of its own."""

    def run(action: Callable[[int], T], times: int = MANY) -> list[T]:
        barrier = Barrier(times, timeout=60)

        def start(turn: int) -> T:
            with app.app_context():
                barrier.wait()
                return action(turn)

        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(start, range(times)))

    return run


@pytest.fixture
def caller(app: Flask, shop: Shop) -> Caller:
    with app.app_context():
        return recognise(shop.key)


def ending(attempt: Callable[[], object], well: str) -> str:
    """How it ended: well, or with the code of a refusal."""
    try:
        attempt()
    except (Refused, PushhubError) as refused:
        return refused.code
    return well


def key_of(verification: dict[str, Any]) -> UUID:
    return parse_id(Prefix.VERIFICATION, verification["id"])


def ask_for_codes(make_shop: MakeShop, count: int) -> None:
    """So many codes wait to be sent to the number."""
    shop = make_shop("SAKURA", purposes=[f"p{turn}" for turn in range(count)])
    for turn in range(count):
        shop.ask(purpose=f"p{turn}")


def attempts_used(app: Flask, verification: dict[str, Any]) -> int:
    (used,) = values(app, sa.select(Verification.attempts_used).where(Verification.id == key_of(verification)))
    return int(used)


def test_of_64_right_guesses_at_once_one_succeeds(
    shop: Shop, caller: Caller, bound: Phone, app: Flask, at_once: Any
) -> None:
    verification = shop.ask()
    code = bound.read_code()
    results = at_once(lambda _: check.check(caller, key_of(verification), code))
    assert Counter(result.valid for result in results) == {True: 1, False: MANY - 1}
    assert 1 <= attempts_used(app, verification) <= 3
    assert shop.show(verification)["status"] == "approved"


def test_64_wrong_guesses_at_once_get_exactly_three_looks(
    shop: Shop, caller: Caller, bound: Phone, app: Flask, at_once: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    verification = shop.ask()
    code = bound.read_code()
    keyring = app.extensions["pushhub"].keyring
    looks: list[bool] = []
    really = keyring.code_matches

    def look(*args: str) -> bool:
        looks.append(True)
        return bool(really(*args))

    monkeypatch.setattr(keyring, "code_matches", look)
    results = at_once(lambda _: check.check(caller, key_of(verification), wrong(code)))
    assert not any(result.valid for result in results)
    assert len(looks) == 3
    assert attempts_used(app, verification) == 3
    assert shop.show(verification)["status"] == "exhausted"
    assert not shop.check(verification, code)["valid"]


def test_64_requests_at_once_make_one_verification_and_one_delivery(
    caller: Caller, bound: Phone, app: Flask, at_once: Any
) -> None:
    asked = at_once(lambda _: ask(caller, PhoneNumber.trusted(NUMBER), "sign_in"))
    assert len({entry.verification.id for entry in asked}) == 1
    assert Counter(entry.created for entry in asked) == {True: 1, False: MANY - 1}
    with app.app_context():
        assert outbox.QUEUE.waiting() == 1


def test_16_resends_at_once_send_once(shop: Shop, caller: Caller, bound: Phone, at_once: Any, now: FakeClock) -> None:
    verification = shop.ask()
    now.forward(seconds=60)
    endings = at_once(lambda _: ending(lambda: resend_code(caller, key_of(verification)), "sent"), 16)
    assert Counter(endings) == {"sent": 1, "resend_too_early": 15}
    assert len(shop.show(verification)["deliveries"]) == 2


def test_of_16_phones_with_the_same_password_one_is_bound(
    shop: Shop, make_phone: MakePhone, app: Flask, at_once: Any
) -> None:
    offer = shop.offer()
    phones = [make_phone() for _ in range(16)]

    def bind(turn: int) -> str:
        return ending(lambda: phones[turn].bind(number=NUMBER, password=offer["password"]), "bound")

    results = Counter(at_once(bind, 16))
    assert results["bound"] == 1
    assert set(results) <= {"bound", "offer_not_accepted"}
    assert values(app, sa.select(sa.func.count()).select_from(Binding)) == [1]


def test_of_16_phones_with_the_same_qr_code_one_is_bound(shop: Shop, make_phone: MakePhone, at_once: Any) -> None:
    link = shop.offer()["qr"]["link"]
    phones = [make_phone() for _ in range(16)]
    endings = at_once(lambda turn: ending(lambda: phones[turn].bind(qr=link), "bound"), 16)
    assert Counter(endings) == {"bound": 1, "offer_not_accepted": 15}


def test_16_wrong_passwords_at_once_spend_exactly_five_tries(
    shop: Shop, make_phone: Any, app: Flask, at_once: Any
) -> None:
    offer = shop.offer()
    phones = [make_phone() for _ in range(16)]

    def bind(turn: int) -> str:
        return refusal(lambda: phones[turn].bind(number=NUMBER, password="000000000001")).code

    assert set(at_once(bind, 16)) <= {"offer_not_accepted", "too_many_tries"}
    assert rows(app, sa.select(Offer.tries, Offer.status)) == [(5, "cancelled")]
    assert shop.show_offer(offer)["reason"] == "too_many_tries"


def test_offers_of_many_products_for_one_number_bind_it_to_one_phone(
    make_shop: MakeShop, make_phone: MakePhone, app: Flask, at_once: Any
) -> None:
    offers = [make_shop(f"Product {turn}").offer() for turn in range(8)]
    phones = [make_phone() for _ in range(8)]
    links = [offer["qr"]["link"] for offer in offers]
    results = Counter(at_once(lambda turn: ending(lambda: phones[turn].bind(qr=links[turn]), "bound"), 8))
    assert set(results) <= {"bound", "busy"}
    assert results["bound"] >= 1
    assert len(values(app, sa.select(Binding.id).where(Binding.ended_at.is_(None)))) == 1


def test_an_anonymous_offer_takes_no_number_that_is_being_bound_at_that_moment(
    make_shop: MakeShop, make_phone: MakePhone, at_once: Any
) -> None:
    for round_ in range(5):
        number = f"+7701234567{round_}"
        anonymous, signed_in = make_shop(f"A{round_}"), make_shop(f"S{round_}")
        links = [anonymous.offer(number, assurance=None)["qr"]["link"], signed_in.offer(number)["qr"]["link"]]
        phones = [make_phone(), make_phone()]

        def bind(turn: int, phones: Any = phones, links: Any = links) -> str:
            return ending(lambda: phones[turn].bind(qr=links[turn]), "bound")

        results = at_once(bind, 2)
        assert results[1] == "bound"
        assert results[0] in ("bound", "number_bound_elsewhere")
        assert phones[1].binding()["bound"]


def test_one_phone_binds_one_of_many_numbers_at_once(shop: Shop, make_phone: MakePhone, at_once: Any) -> None:
    links = [shop.offer(f"+7701234567{turn}")["qr"]["link"] for turn in range(8)]
    phones = [make_phone(hardware_id="one-and-the-same") for _ in range(8)]
    endings = at_once(lambda turn: ending(lambda: phones[turn].bind(qr=links[turn]), "bound"), 8)
    assert Counter(endings) == {"bound": 1, "rebind_too_soon": 7}


def test_the_limit_of_codes_for_a_number_holds_for_many_at_once(
    make_shop: MakeShop, bound: Phone, context: AppContext, at_once: Any
) -> None:
    shop = make_shop("SAKURA", purposes=[f"p{turn}" for turn in range(20)])
    context.settings = replace(context.settings, codes_per_10_minutes=5)
    statuses = at_once(lambda turn: shop.try_to_ask(purpose=f"p{turn}").status_code, 20)
    assert Counter(statuses) == {201: 5, 429: 15}


def test_dispatchers_at_once_claim_each_delivery_once(make_shop: MakeShop, bound: Phone, at_once: Any) -> None:
    ask_for_codes(make_shop, 40)
    claimed = at_once(lambda _: outbox.claim(CODES, "fcm", uuid4(), 7), 8)
    ids = [delivery_id for batch in claimed for delivery_id in batch.leases]
    assert len(ids) == len(set(ids)) == 40
    assert all(len(batch.leases) <= 7 for batch in claimed)


def test_a_dispatcher_takes_no_more_than_it_has_room_for_whatever_the_plan(
    make_app: MakeApp, make_shop: MakeShop, bound: Phone
) -> None:
    """Without statistics PostgreSQL may read what is due anew for each row; here no other plan is left to it."""
    ask_for_codes(make_shop, 40)
    app = make_app(own=True)
    with app.app_context():

        @sa.event.listens_for(db.engine, "connect")
        def _leave_one_plan(connection: Any, _: object) -> None:
            for way in ("sort", "hashagg", "hashjoin", "mergejoin", "material", "memoize"):
                connection.execute(f"SET enable_{way} = off")

        assert [len(outbox.claim(CODES, "fcm", uuid4(), most).leases) for most in (7, 30, 30)] == [7, 30, 3]


def test_one_idempotency_key_used_by_16_at_once_makes_one_offer(shop: Shop, at_once: Any) -> None:
    def create(_: int) -> tuple[int, str]:
        client_answer = shop.call("POST", "/v1/offers", {"number": NUMBER}, Idempotency_Key="the-same")
        return client_answer.status_code, client_answer.get_json()["id"]

    assert len(set(at_once(create, 16))) == 1


@pytest.mark.parametrize("leaves", ["for another phone", "its phone takes another", "given up"])
def test_a_code_that_is_asked_for_while_its_number_leaves_the_phone_does_not_go_there(
    make_shop: MakeShop,
    make_phone: MakePhone,
    dispatch: Dispatch,
    fcm: RecordingChannel,
    app: Flask,
    now: FakeClock,
    leaves: str,
) -> None:
    shop = make_shop("SAKURA", code_push="inline")
    old, new = make_phone(), make_phone()
    old.bind_to(shop)
    now.forward(days=31)
    ways: dict[str, Callable[[], Any]] = {
        "for another phone": lambda: new.bind_to(shop),
        "its phone takes another": lambda: old.bind_to(shop, OTHER_NUMBER),
        "given up": old.unbind,
    }
    with ThreadPoolExecutor(1) as thread:
        left: list[Future[Any]] = []

        def leave() -> None:
            left.append(thread.submit(ways[leaves]))
            wait(left, 1)  # it waits for this request

        with before_first(app, "INSERT INTO verifications", leave):  # by then it is known where the code goes
            verification = shop.ask()
        left[0].result(10)
    dispatch()
    assert not [message for message in fcm.sent if message.urgent]
    assert shop.show(verification)["status"] == "cancelled"


def test_a_notification_that_is_cancelled_while_it_is_being_claimed_goes_out_at_most_once_more(
    shop: Shop,
    bound: Phone,
    make_phone: MakePhone,
    dispatch: Dispatch,
    later: Later,
    fcm: RecordingChannel,
    app: Flask,
    now: FakeClock,
) -> None:
    make_phone().bind_to(shop, OTHER_NUMBER)
    waits = timedelta(seconds=30), timedelta(minutes=15), timedelta(seconds=30)
    fcm.script(*(Retry("UNAVAILABLE", after) for after in waits))
    body = {"to": [NUMBER, OTHER_NUMBER], "title": "Meeting", "body": "At six."}
    path = f"/v1/notifications/{expect(shop.call('POST', '/v1/notifications', body), 202)['id']}"
    dispatch()
    now.forward(seconds=40)
    claimed: list[UUID] = []
    answers: list[int] = []
    looking = Lock()

    def cancel_what_is_claimed(connection: sa.Connection) -> None:
        with looking:  # lanes commit at the same time
            if claimed:
                return
            claimed.extend(connection.scalars(sa.select(Delivery.id).where(Delivery.status == "sending")))
        if claimed:
            with ThreadPoolExecutor(1) as thread:
                answers.append(thread.submit(shop.call, "POST", f"{path}/cancel").result(10).status_code)

    with before_each_commit(app, cancel_what_is_claimed):
        dispatch()
    assert (answers, len(fcm.sent)) == ([200], 3)
    later(seconds=60)
    assert len(fcm.sent) == 3
    shown = expect(shop.call("GET", path), 200)
    assert (shown["status"], shown["progress"]["expired"]) == ("cancelled", 2)


@pytest.mark.parametrize(
    ("held", "waits"), [(f"binding:{NUMBER}", True), ("binding:+770****6868", False), (f"codes:{NUMBER}", True)]
)
def test_binding_waits_for_its_own_number_alone(
    shop: Shop, make_phone: MakePhone, app: Flask, held: str, waits: bool
) -> None:
    """Releases that run side by side must agree on these names."""
    phone, password = make_phone(), shop.offer(NUMBER)["password"]
    bound = Event()

    def bind() -> None:
        phone.bind(number=NUMBER, password=password)
        bound.set()

    with app.app_context(), transaction(held):
        binding = Thread(target=bind)
        binding.start()
        assert bound.wait(0.5 if waits else 10) is not waits
    binding.join(10)
    assert bound.is_set()
