"""Signing in, sessions, new passwords, flows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask

from demo.sample import FAMILY
from pushhub.accounts.flows import flows, number_proof
from pushhub.accounts.flows.flows import FlowKind
from pushhub.accounts.flows.number_proof import CodeVerdict, Unreachable, proof_subject
from pushhub.accounts.models import AccountIdentifier, CabinetFlow, SignInFailure
from pushhub.accounts.people.password_change import change_password
from pushhub.accounts.people.register import register
from pushhub.accounts.sessions import sessions
from pushhub.accounts.sessions import sign_in as accounts
from pushhub.accounts.sessions.sessions import NewSession, SessionLife
from pushhub.accounts.sessions.sign_in import Wrong
from pushhub.accounts.sessions.sign_in_throttle import CodeWanted, Wait
from pushhub.accounts.sign_in_identifiers import Identifier
from pushhub.cabinets.loader import read_profile
from pushhub.devices.models import OfferStatus
from pushhub.dispatcher.housekeeping import sweep
from pushhub.identity.phone import PhoneNumber
from pushhub.kernel.db import reading
from pushhub.kernel.errors import TooManyCodes
from pushhub.products.products import Caller
from tests.cabinet.conftest import account_of, person
from tests.support.actors import Phone
from tests.support.databases import FakeClock
from tests.support.rows import how_many

LIFE = SessionLife(idle=timedelta(minutes=30), absolute=timedelta(hours=12))


def try_password(caller: Caller, password: str, who: Identifier | None = None) -> object:
    return accounts.sign_in(caller.product_id, who or person(), password, life=LIFE, browser="Chrome, Windows")


def sign_in(caller: Caller) -> NewSession:
    begun = try_password(caller, FAMILY.password)
    assert isinstance(begun, NewSession)
    return begun


@pytest.mark.both_engines
def test_the_right_password_begins_a_session_that_ends_when_idle_and_at_last(
    app: Flask, caller: Caller, account: str, now: FakeClock
) -> None:
    with app.app_context():
        begun = sign_in(caller)
        for _ in range(28):  # 28 times 25 minutes without half an hour's pause: nearly twelve hours
            now.forward(minutes=25)
            assert sessions.who_is(caller.product_id, begun.secret, LIFE) is not None
        now.forward(minutes=25)
        assert sessions.who_is(caller.product_id, begun.secret, LIFE) is None
        second = sign_in(caller)
        now.forward(minutes=31)
        assert sessions.who_is(caller.product_id, second.secret, LIFE) is None
        assert sessions.who_is(caller.product_id, "anything", LIFE) is None


def test_a_session_of_another_product_is_none(app: Flask, caller: Caller, account: str, make_shop: object) -> None:
    other = make_shop("SAKURA").product.id  # type: ignore[operator]
    with app.app_context():
        begun = sign_in(caller)
        assert sessions.who_is(other, begun.secret, LIFE) is None


@pytest.mark.both_engines
@pytest.mark.parametrize("known", [True, False])
def test_wrong_passwords_slow_down_and_then_want_a_code(
    app: Flask, caller: Caller, account: str, now: FakeClock, known: bool
) -> None:
    """The same with an account as without one."""
    with app.app_context():
        who = person() if known else person(FAMILY.other_parent)
        for _ in range(4):
            assert try_password(caller, "wrong", who) == Wrong(None)
        assert try_password(caller, "wrong", who) == Wrong(now() + timedelta(seconds=30))
        assert try_password(caller, FAMILY.password, who) == Wait(now() + timedelta(seconds=30))
        for _ in range(4):
            now.forward(minutes=10)
            assert isinstance(try_password(caller, "wrong", who), Wrong)
        now.forward(minutes=10)
        assert try_password(caller, "wrong", who) == CodeWanted()
        now.forward(hours=1)
        assert accounts.code_is_wanted(caller.product_id, who)
        assert try_password(caller, FAMILY.password, who) == CodeWanted()
        accounts.forgive(caller.product_id, who)
        assert not accounts.code_is_wanted(caller.product_id, who)
        assert isinstance(try_password(caller, FAMILY.password, who), NewSession if known else Wrong)


@pytest.mark.both_engines
def test_wrong_passwords_of_yesterday_are_forgotten(app: Flask, caller: Caller, account: str, now: FakeClock) -> None:
    with app.app_context():
        for _ in range(4):
            try_password(caller, "wrong")
        now.forward(hours=25)
        assert try_password(caller, "wrong") == Wrong(None)
        now.forward(hours=25)
        sweep()
        assert how_many(app, SignInFailure) == 0


@pytest.mark.both_engines
def test_a_new_password_ends_every_session_and_tells_the_phone(
    app: Flask, caller: Caller, account: str, phone: Phone
) -> None:
    with app.app_context():
        begun = sign_in(caller)
        claim = proof_subject(person(), account_of(caller), "password_reset")
        shown = number_proof.offer(caller, claim, None, locale="ru")
    phone.bind(number=account, password=shown.password)
    with app.app_context():
        change_password(account_of(caller).id, "Kunshuaq!2027", read_profile("indigo").password)
        assert sessions.who_is(caller.product_id, begun.secret, LIFE) is None
        assert isinstance(try_password(caller, FAMILY.password), Wrong)
        assert isinstance(try_password(caller, "Kunshuaq!2027"), NewSession)
    told = [item["title"] for item in phone.feed()]
    assert told == ["Ваш пароль изменён"]


@pytest.mark.both_engines
def test_registering_again_moves_the_account_and_tells_both_phones(
    app: Flask, caller: Caller, account: str, make_phone: object
) -> None:
    old, new = make_phone(), make_phone()  # type: ignore[operator]
    with app.app_context():
        for device, number in ((old, account), (new, FAMILY.new_number)):
            made = number_proof.offers.create_offer(caller, PhoneNumber.parse(number))
            device.bind(number=number, password=made.password)
        register(caller.product_id, person(), PhoneNumber.parse(FAMILY.new_number), "Kunshuaq!2027")
        assert account_of(caller).number == PhoneNumber.parse(FAMILY.new_number)
        assert how_many(app, AccountIdentifier) == 1
    assert [item["title"] for item in old.feed()] == ["Кабинет больше не привязан к вашему номеру"]
    assert [item["title"] for item in new.feed()] == ["На ваш номер зарегистрирован кабинет"]


@pytest.mark.both_engines
def test_registering_at_the_same_time_makes_one_account(app: Flask, caller: Caller) -> None:
    def enrol(_: int) -> object:
        with app.app_context():
            return register(caller.product_id, person(), PhoneNumber.parse(FAMILY.number), FAMILY.password)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(enrol, range(6)))) == 1


@pytest.mark.both_engines
def test_a_flow_belongs_to_one_browser_and_ends(app: Flask, caller: Caller, now: FakeClock) -> None:
    with app.app_context():
        flow = flows.begin(caller.product_id, FlowKind.RECOVERY, "visitor", {"number": FAMILY.number})
        assert flows.find(caller.product_id, flow.id, "somebody else") is None
        found = flows.find(caller.product_id, flow.id, "visitor")
        assert found is not None
        assert found.answers == {"number": FAMILY.number}
        with reading() as session:
            sealed = session.get_one(CabinetFlow, flow.id).answers_sealed
        assert FAMILY.number.encode() not in sealed
        now.forward(minutes=29)
        flows.amend(found, step="code")  # each step gives another half hour
        now.forward(minutes=29)
        assert flows.find(caller.product_id, flow.id, "visitor") is not None
        now.forward(minutes=2)
        assert flows.find(caller.product_id, flow.id, "visitor") is None
        sweep()
        with reading() as session:
            assert session.get(CabinetFlow, flow.id) is None


@pytest.mark.both_engines
def test_two_windows_lose_none_of_each_others_answers(app: Flask, caller: Caller) -> None:
    with app.app_context():
        flow = flows.begin(caller.product_id, FlowKind.RECOVERY, "visitor", {})

    def write(name: str) -> None:
        with app.app_context():
            flows.amend(flow, **{name: name})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, ["offer", "verification", "reason"]))
    with app.app_context():
        found = flows.find(caller.product_id, flow.id, "visitor")
    assert found is not None
    assert dict(found.answers) == {"offer": "offer", "verification": "verification", "reason": "reason"}


def test_a_number_that_is_nobodys_looks_real_binds_nobody_and_is_never_right(
    app: Flask, caller: Caller, phone: Phone, now: FakeClock
) -> None:
    with app.app_context():
        claims = [
            proof_subject(Identifier("iin", f"{number:064x}", ""), None, "password_reset") for number in range(30)
        ]
        assert len({claim.number for claim in claims}) > 25
        assert all(claim.number.country == "KZ" for claim in claims)
        again = proof_subject(claims[0].identifier, None, "password_reset")
        assert again.number == claims[0].number
        sent = {claim: number_proof.send(caller, claim, locale="ru", address=None) for claim in claims}
        unreachable = [claim for claim, found in sent.items() if isinstance(found, Unreachable)]
        assert 5 < len(unreachable) < 25
        shown = number_proof.offer(caller, unreachable[0], None, locale="ru")
        assert shown.status is OfferStatus.PENDING
        assert shown.password is not None
    with pytest.raises(Exception, match="offer_not_accepted"):
        phone.bind(number=unreachable[0].number.e164, password=shown.password)
    with app.app_context():
        claim = next(claim for claim in claims if claim not in unreachable)
        verification = sent[claim]
        assert not isinstance(verification, Unreachable)
        for code in ("0000", "1234", "0000"):
            assert number_proof.check(caller, claim, verification.id, code).answer is CodeVerdict.NOT_OPENED
        assert number_proof.check(caller, claim, verification.id, "12").answer is CodeVerdict.MALFORMED
        now.forward(minutes=6)
        assert number_proof.check(caller, claim, verification.id, "0000").answer is CodeVerdict.OVER


@pytest.mark.parametrize("known", [True, False])
def test_codes_for_one_iin_are_limited_alike_with_an_account_and_without(
    app: Flask, caller: Caller, account: str, phone: Phone, now: FakeClock, known: bool
) -> None:
    with app.app_context():
        if known:
            claim = proof_subject(person(), account_of(caller), "password_reset")
            shown = number_proof.offer(caller, claim, None, locale="ru")
            phone.bind(number=account, password=shown.password)
        else:
            claim = next(
                claim
                for number in range(30)
                if (claim := proof_subject(Identifier("iin", f"{number:064x}", ""), None, "password_reset"))
                and number_proof.stand_in_looks_bound(claim)
            )
        for _ in range(49):  # one fewer than the 50 that these tests allow a number
            assert not isinstance(number_proof.send(caller, claim, locale="ru", address=None), Unreachable)
            now.forward(minutes=5, seconds=1)
        with pytest.raises(TooManyCodes) as refused:
            number_proof.send(caller, claim, locale="ru", address=None)
        assert refused.value.retry_at is not None
