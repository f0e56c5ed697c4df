// The companion app: what it shows first, and how one screen leads to the next.

import { dateAndTime, prettyNumber, say } from "/design/page.js";
import { APP_VERSION, Device } from "./device.js";
import { cleanAddress, secretOfAddress } from "./links.js";
import { WebPush } from "./push.js";
import { at, forgetWayBack, leave, once, sayRefusal, showScreen, tell } from "./screens.js";
import { Problem, Service } from "./service.js";
import { isReplaced, isTooOld, keepFresh, replaceOldVersion } from "./updates.js";

/** How often a service that is not reached is asked again. */
const ASK_AGAIN_MS = 5000;
/** Where a new version of the app would interrupt. */
const BUSY = ["number", "password", "scan", "bound"];

class App {
  #service = new Service({ onClock: () => this.#tellClock() });
  #device;
  #push;
  /** Of the two halves of the app, a phone loads the one that it needs: that for binding, or that with the feed. */
  #binding = null;
  #feed = null;
  #settings = null;
  #loading = null;
  /** The browser's offer to install the app (`BeforeInstallPromptEvent`); it comes once, whenever it likes. */
  #installer = { prompt: null };
  #bound = null;
  /** The delivery whose notification was tapped to open the app. */
  #wanted = new URLSearchParams(location.hash.slice(1)).get("open");
  #secret = secretOfAddress();

  async start() {
    showScreen("loading");
    if (this.#wanted) cleanAddress();
    // Another language is another page; the QR code's secret goes there with the person.
    for (const link of document.querySelectorAll(".languages a")) link.hash = this.#secret ?? "";
    if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return showUnsupported("insecure");
    try {
      this.#device = await Device.open(this.#service);
    } catch {
      return showUnsupported("storage");
    }
    try {
      await this.#device.learn(await this.#service.config());
    } catch (problem) {
      if (!(problem instanceof Problem)) return showUnsupported("storage");
      // Without the service's conditions nothing can be begun; with those of the last visit what is known can be shown.
      if (!this.#device.config) return this.#waitForConnection(problem);
    }
    if (isTooOld(APP_VERSION, this.#device.config.oldest_app_version) && (await replaceOldVersion())) return;
    this.#assemble();
    await this.#begin();
  }

  #assemble() {
    const { simulated_push: simulated, webpush_key: key } = this.#device.config;
    this.#push = new WebPush(simulated ? null : key);
    at("bound-continue").addEventListener("click", () => this.#showFeed({ focus: true }));
    at("bind-again").addEventListener("click", async () => (await this.#withBinding()).begin({ focus: true }));
    for (const button of document.querySelectorAll("[data-new-phone]")) once(button, "click", () => this.#forget());
    at("new-phone").hidden = !this.#device.config.simulated_push;
    this.#device.onChangedElsewhere(() => location.reload());
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (data?.open) this.#openTapped(data.open);
      else this.#feed?.lookNow();
    });
    for (const [event, prompt] of [["beforeinstallprompt", (offer) => offer], ["appinstalled", () => null]]) {
      addEventListener(event, (happened) => {
        happened.preventDefault();
        this.#installer.prompt = prompt(happened);
        this.#settings?.refresh();
      });
    }
  }

  /** The half for a phone without a number. */
  async #withBinding() {
    const { BindingScreens } = await import("./binding.js");
    this.#binding ??= new BindingScreens({
      device: this.#device,
      on: {
        bound: (binding) => this.#showBound(binding),
        cancelled: () => this.#showFeed({ focus: true }),
        noStorage: () => showUnsupported("storage"),
      },
    });
    return this.#binding;
  }

  /** The half for a phone with a number. */
  #withFeed() {
    this.#loading ??= Promise.all([import("./feed.js"), import("./settings.js")]).then(([{ Feed }, { Settings }]) => {
      const [device, now] = [this.#device, this.#service.now];
      this.#feed = new Feed({ device, now, onUnbound: (ended) => this.#showUnbound(ended) });
      this.#settings = new Settings({
        device,
        now,
        push: this.#push,
        installer: this.#installer,
        on: {
          closed: () => showScreen("feed", { focus: true }),
          unbound: (ended) => this.#showUnbound(ended, { focus: true }),
        },
      });
    });
    return this.#loading;
  }

  async #begin() {
    // A QR code's link that opened the app is ours: the phone brought it to our address.
    const link = this.#secret && `${this.#device.config.app_link}/v1#${this.#secret}`;
    let state = { bound: false, ended: null };
    let online = true;
    try {
      if (this.#device.known) state = await this.#device.state();
    } catch (problem) {
      if (problem.code === "bad_device_secret") state.ended = { reason: "unknown" };
      else if (problem.code === "offline" && this.#device.lastBinding) online = false;
      else return showTrouble(problem);
    }
    this.#bound = online ? state.binding : this.#device.lastBinding;
    if (this.#bound && !link) await this.#showFeed({ known: !online });
    else await this.#showWayToBinding(link, state.ended);
    return this.#afterwards(online);
  }

  async #showWayToBinding(link, ended) {
    const binding = await this.#withBinding();
    if (link) return binding.beginWithQr(link, { boundTo: this.#bound });
    if (binding.resume()) return undefined;
    if (ended) return this.#showUnbound(ended);
    at("lost-note").hidden = !this.#device.lost;
    return binding.begin();
  }

  /** What can wait until something is to be seen. */
  async #afterwards(online) {
    const offline = () => (at("offline-note").hidden = navigator.onLine);
    addEventListener("online", offline);
    addEventListener("offline", offline);
    offline();
    const isBusy = () => BUSY.includes(document.body.dataset.at);
    this.#push.use(await keepFresh(isBusy));
    this.#settings?.refresh();
    if (online) await this.#report();
  }

  /** A notification was tapped while a window is open: its message must be before the person's eyes. */
  async #openTapped(id) {
    if (document.body.dataset.at === "settings") await leave();
    if (this.#feed) this.#feed.open(id);
    else this.#wanted = id;
  }

  async #report() {
    if (!this.#device.known) return;
    const { state } = this.#push;
    const subscription = await this.#push.subscription().catch(() => null);
    await this.#device.report(subscription, state === "impossible" ? null : state === "granted").catch(() => undefined);
  }

  async #showFeed({ focus = false, known = false } = {}) {
    if (isReplaced()) return location.reload();
    await this.#withFeed();
    forgetWayBack();
    this.#settings.show(this.#bound);
    tell(at("known-note"), known ? say("known_at", { when: dateAndTime(this.#bound.known_at) }) : "");
    showScreen("feed", { focus });
    if (this.#wanted) this.#feed.open(this.#wanted);
    this.#wanted = null;
    this.#feed.start();
  }

  #showBound(binding) {
    this.#feed?.stop();
    if (!isReplaced()) this.#withFeed();
    this.#bound = binding;
    at("lost-note").hidden = true;
    at("bound-number").textContent = prettyNumber(binding.number);
    showScreen("bound", { focus: true });
    this.#report();
  }

  #showUnbound(ended, options) {
    forgetWayBack();
    this.#feed?.stop();
    this.#bound = null;
    tell(at("ended-reason"), say(`ended_${ended?.reason ?? "unknown"}`));
    at("ended-at").textContent = ended?.at ? say("ended_at", { when: dateAndTime(ended.at) }) : "";
    showScreen("unbound", options);
  }

  async #forget() {
    this.#feed?.stop();
    await this.#device.forget();
    this.#bound = null;
    forgetWayBack();
    (await this.#withBinding()).begin({ focus: true });
  }

  /** A person who puts the phone's clock right, as the note says, sees the note go. */
  #tellClock() {
    const off = this.#service.clockOff;
    tell(at("clock-note"), off ? say(off > 0 ? "clock_slow" : "clock_fast") : "");
  }

  #waitForConnection(problem) {
    showTrouble(problem);
    addEventListener("online", () => location.reload());
    setInterval(() => this.#service.config().then(() => location.reload(), () => undefined), ASK_AGAIN_MS);
  }
}

function showUnsupported(why) {
  for (const reason of ["insecure", "storage"]) at(`unsupported-${reason}`).hidden = reason !== why;
  showScreen("unsupported");
}

function showTrouble(problem) {
  tell(at("trouble-words"), sayRefusal(problem));
  showScreen("trouble");
}

at("try-again").addEventListener("click", () => location.reload());
// Another QR code's link in the same window changes only what is after the `#`.
addEventListener("hashchange", () => location.reload());
// A part of the app that can't be loaded is a connection that broke off.
new App().start().catch(() => showTrouble({ code: "offline" }));
