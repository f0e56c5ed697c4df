"""The companion app as an installed app: without a network, notified while it is closed, and in a browser that keeps
nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, Route, expect

from tests.browser.companion import Owner, Product, TakePhone, wait_for_worker, wait_until
from tests.browser.service import Service


def test_the_app_can_be_installed(launch: Callable[..., BrowserContext], service: Service, tmp_path: Path) -> None:
    context = launch(whole=True, profile=tmp_path / "profile")  # nothing can be installed from a private window
    try:
        page = context.pages[0]
        page.goto(f"{service.url}/app?lang=kk")
        wait_for_worker(page)
        browser = context.new_cdp_session(page)
        manifest = browser.send("Page.getAppManifest")
        assert manifest["errors"] == []
        parsed = json.loads(manifest["data"])
        assert (parsed["lang"], parsed["start_url"], parsed["scope"]) == ("kk", "/app", "/app")
        assert browser.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    finally:
        context.close()


def test_without_a_network_the_app_opens_and_says_what_it_knows(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051114401")
    page = owner.page
    wait_for_worker(page)
    owner.context.set_offline(True)
    page.reload()
    expect(page.locator("#feed-number")).to_have_text("+7 (705) 111-44-01")
    expect(page.locator("#feed-problem")).to_contain_text("Нет связи")
    expect(page.locator("#known-note")).to_contain_text("Показано по состоянию на")
    expect(page.locator("#live")).to_be_hidden()
    page.get_by_role("link", name="Қазақша").click()
    expect(page.locator("#feed-problem")).to_contain_text("байланыс жоқ")
    product.ask("+77051114401")
    owner.context.set_offline(False)
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#feed-problem")).to_be_hidden()
    assert owner.open_code()
    owner.without_a_network()


def test_a_language_chosen_where_the_worker_did_not_see_it_is_the_language_of_the_app(take_phone: TakePhone) -> None:
    owner = take_phone()
    page = owner.page
    wait_for_worker(page)
    owner.open("/cabinet/indigo/?lang=kk")
    owner.open("/app")
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    owner.context.set_offline(True)
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    expect(page.locator("#offline-note")).to_be_visible()
    owner.context.set_offline(False)
    owner.without_a_network()


def test_a_new_phone_without_a_network_says_that_it_can_not_be_bound_yet(take_phone: TakePhone) -> None:
    owner = take_phone()
    page = owner.page
    wait_for_worker(page)
    owner.context.set_offline(True)
    page.reload()
    expect(page.locator("#offline-note")).to_be_visible()
    expect(page.locator("#consent-text")).to_contain_text("30 дней")
    owner.context.set_offline(False)
    expect(page.locator("#offline-note")).to_be_hidden()
    owner.without_a_network()


def test_an_app_that_never_reached_the_service_goes_on_by_itself_when_it_does(take_phone: TakePhone) -> None:
    owner = take_phone("/healthz")
    owner.context.route("**/mobile/v1/config", lambda route: route.abort())
    owner.open("/app")
    expect(owner.page.locator("#trouble-words")).to_contain_text("Нет связи")
    owner.context.unroute("**/mobile/v1/config")
    expect(owner.page.locator("#number")).to_be_visible(timeout=15_000)
    owner.complaints.clear()


def test_no_answer_of_the_service_is_ever_kept(take_bound_phone: TakePhone, product: Product) -> None:
    owner = take_bound_phone("+77051114402")
    product.ask("+77051114402")
    code = owner.open_code()
    wait_for_worker(owner.page)
    owner.page.reload()
    owner.open_code()
    kept = owner.page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) {
              found.push([new URL(request.url).pathname, await (await cache.match(request)).text()]);
            }
          }
          return found;
        }"""
    )
    assert len(kept) > 15
    assert [path for path, _ in kept if not path.startswith(("/app", "/design/"))] == []
    assert [path for path, text in kept if "111-44-02" in text or "77051114402" in text or f">{code}<" in text] == []


PUSH_SERVICE = """
  const subscription = {
    endpoint: "https://push.test/one", options: { applicationServerKey: null },
    toJSON() { return { endpoint: this.endpoint, keys: { p256dh: "p", auth: "a" } } },
    unsubscribe: async () => true,
  };
  let kept = null;
  PushManager.prototype.getSubscription = async () => kept;
  PushManager.prototype.subscribe = async (options) => {
    subscription.options = { applicationServerKey: options.applicationServerKey.buffer };
    return (kept = subscription);
  };
  Object.defineProperty(Notification, "permission", { get: () => globalThis.allowed ?? "default" });
  Notification.requestPermission = async () => (globalThis.allowed = "granted");
"""


@pytest.fixture
def with_web_push(take_phone: TakePhone) -> Callable[[], Owner]:
    """A phone on an installation with web push; the browser's push service is played."""

    def take() -> Owner:
        owner = take_phone("/healthz", before=PUSH_SERVICE)
        owner.context.route("**/mobile/v1/config", _with_a_key)
        owner.open("/app")
        return owner

    return take


def _with_a_key(route: object) -> None:
    answer = route.fetch()  # type: ignore[attr-defined]
    document = answer.json() | {"simulated_push": False, "webpush_key": "B" + "A" * 86}
    route.fulfill(response=answer, json=document)  # type: ignore[attr-defined]


def test_whoever_allows_it_is_reached_by_web_push(with_web_push: Callable[[], Owner], product: Product) -> None:
    owner = with_web_push()
    page = owner.page
    reports: list[Request] = []
    page.on("request", lambda request: reports.append(request) if request.method == "PUT" else None)
    owner.bind_to(product, "+77051114403")
    expect(page.locator("#allow-card")).to_be_visible()
    wait_until(page, lambda: bool(reports))
    assert set(kinds_of(reports)) == {"poll"}
    page.locator("#allow-card [data-allow]").click()
    wait_until(page, lambda: kinds_of(reports)[-1] == "webpush")
    report = reports[-1].post_data_json
    assert json.loads(report["push_target"]["value"])["endpoint"] == "https://push.test/one"
    assert report["notifications_allowed"] is True
    expect(page.locator("#allow-card")).to_be_hidden()
    owner.complaints.clear()  # whether such an address is taken depends on the installation


def test_what_the_app_reports_arrives_in_its_order(with_web_push: Callable[[], Owner], product: Product) -> None:
    """Of two reports under way at once the older could arrive last, and pushes would go nowhere."""
    owner = with_web_push()
    page = owner.page
    held: list[Route] = []
    page.route("**/mobile/v1/device", lambda route: held.append(route))
    owner.bind_to(product, "+77051114407")
    wait_until(page, lambda: bool(held))
    page.locator("#allow-card [data-allow]").click()
    page.wait_for_function("() => globalThis.allowed === 'granted'")
    page.wait_for_timeout(500)  # enough for another report, if one went out beside it
    reported: list[Request] = []
    while "webpush" not in kinds_of(reported):
        wait_until(page, lambda: len(held) > len(reported))
        assert len(held) == len(reported) + 1, "two are under way"
        reported.append(held[-1].request)
        held[-1].fulfill(json={})
    assert set(kinds_of(reported[:-1])) == {"poll"}
    expect(page.locator("#allow-card")).to_be_hidden()


def kinds_of(reports: list[Request]) -> list[str]:
    """The kinds of push target that these report."""
    return [report.post_data_json["push_target"]["kind"] for report in reports]


def test_a_push_is_shown_acknowledged_and_opens_its_code(
    whole_browser: Browser, take_phone: TakePhone, product: Product
) -> None:
    owner = take_phone(browser=whole_browser)
    page = owner.page
    owner.context.grant_permissions(["notifications"])
    owner.bind_to(product, "+77051114404")
    wait_for_worker(page)
    page.goto(f"{owner.url}/healthz")  # the app is closed
    asked = product.ask("+77051114404")
    delivery = asked["deliveries"][0]["id"]
    browser = owner.context.new_cdp_session(page)
    registrations: list[str] = []
    browser.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(entry["registrationId"] for entry in event["registrations"]),
    )
    browser.send("ServiceWorker.enable")
    wait_until(page, lambda: bool(registrations))
    message = {"title": "INDIGO", "body": "Вас ждёт код", "tag": "t", "data": {"delivery_id": delivery, "kind": "code"}}
    browser.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": owner.url, "registrationId": registrations[0], "data": json.dumps(message)},
    )
    wait_until(page, lambda: product.show(asked)["deliveries"][0]["status"] == "received")
    shown = page.evaluate(
        """async () => (await (await navigator.serviceWorker.getRegistration("/app")).getNotifications())
          .map(({ title, body, data }) => [title, body, data.delivery_id])"""
    )
    assert shown == [["INDIGO", "Вас ждёт код", delivery]]
    # A tap on it opens this address.
    owner.open(f"/app#open={delivery}")
    expect(page.locator("[data-part=digits]")).to_have_text(re.compile(r"^\d{4}$"))


def test_a_browser_that_keeps_nothing_is_told_so(take_phone: TakePhone) -> None:
    owner = take_phone(before="IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError') };")
    expect(owner.page.locator("#unsupported-storage")).to_be_visible()
    expect(owner.page.locator("#unsupported-insecure")).to_be_hidden()


def test_a_browser_that_can_not_keep_the_key_costs_no_try(take_phone: TakePhone, product: Product) -> None:
    before = """const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (value, key) {
        if (value.nextKey) throw new DOMException("no", "DataCloneError");
        return put.call(this, value, key);
      };"""
    owner = take_phone(before=before)
    tries: list[str] = []
    owner.page.on("request", lambda request: tries.append(request.url) if request.url.endswith("/bindings") else None)
    offer = product.offer("+77051114405")
    owner.type_number("+77051114405")
    owner.type_password(offer["password"])
    expect(owner.page.locator("#unsupported-storage")).to_be_visible()
    assert tries == []
    owner.complaints[:] = [text for text in owner.complaints if "no" not in text]


def test_a_browser_that_threw_the_key_away_says_so_and_begins_anew(
    take_bound_phone: TakePhone, product: Product
) -> None:
    owner = take_bound_phone("+77051114406")
    page = owner.page
    page.goto(f"{owner.url}/healthz")
    page.evaluate("new Promise((done) => { indexedDB.deleteDatabase('pushhub-phone').onsuccess = done })")
    owner.open("/app")
    expect(page.locator("#lost-note")).to_be_visible()
    owner.bind_to(product, "+77051114406")
    page.reload()
    expect(page.locator("#feed-number")).to_be_visible()
    expect(page.locator("#lost-note")).to_be_hidden()
