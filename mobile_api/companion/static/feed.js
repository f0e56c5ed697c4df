// The feed: what was sent to this device, newest on top. It refreshes by itself while somebody looks.

import { say } from "/design/page.js";
import { Card } from "./card.js";
import { at, sayRefusal, tell } from "./screens.js";

const EVERY_MS = 2000;
const STATE_EVERY_MS = 15000;
/** So long a message must be in view before it counts as read. */
const READ_MS = 800;
/** The service takes so many receipts at once. */
const RECEIPTS = 100;
/** A page of so many messages may not be the last. */
const FULL_PAGE = 50;

export class Feed {
  #device;
  #now;
  #onUnbound;
  /** By delivery id, as they came. */
  #cards = new Map();
  /** As they stand on the screen, but the oldest first. */
  #ordered = [];
  #tag = null;
  #timer = null;
  #stateAskedAt = 0;
  #firstLook = true;
  #wanted = null;
  /** What is to be told as soon as there is a connection: `${event} ${id}` → receipt. */
  #receipts = new Map();
  #watcher;
  #inView = new Map();

  constructor({ device, now, onUnbound }) {
    this.#device = device;
    this.#now = now;
    this.#onUnbound = onUnbound;
    this.#watcher = new IntersectionObserver((entries) => this.#seen(entries), { threshold: 0.6 });
    document.addEventListener("visibilitychange", () => !document.hidden && this.lookNow());
    addEventListener("online", () => this.lookNow());
  }

  /** Keep the feed fresh while the page is visible. */
  start() {
    if (this.#timer === null) this.#next(0);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    for (const card of this.#cards.values()) card.dispose();
    for (const waiting of this.#inView.values()) clearTimeout(waiting);
    this.#watcher.disconnect();
    this.#cards.clear();
    this.#ordered = [];
    this.#inView.clear();
    this.#receipts.clear();
    at("items").replaceChildren();
    at("feed-empty").hidden = true;
    this.#tag = null;
    this.#firstLook = true;
    badge(0);
  }

  /** Something may have come. */
  lookNow() {
    if (this.#timer !== null) this.#next(0);
  }

  /** Open this message as soon as it is there: somebody tapped its notification. */
  open(id) {
    this.#wanted = id;
    this.#openWanted();
    this.lookNow();
  }

  #next(wait) {
    clearTimeout(this.#timer);
    const mine = setTimeout(async () => {
      if (!document.hidden) await this.#look();
      if (this.#timer === mine) this.#next(EVERY_MS);
    }, wait);
    this.#timer = mine;
  }

  async #look() {
    const running = () => this.#timer !== null;
    try {
      await this.#read(running);
      await this.#tellReceipts();
      if (running() && Date.now() - this.#stateAskedAt > STATE_EVERY_MS) await this.#askState(running);
      if (running()) this.#online(true);
    } catch (problem) {
      if (!running()) return;
      if (problem.status === 401 && problem.code === "bad_device_secret") this.#onUnbound({ reason: "unknown" });
      else this.#online(false, problem);
    }
  }

  #online(fine, problem) {
    tell(at("feed-problem"), fine ? "" : sayRefusal(problem));
    at("live").hidden = !fine;
    if (fine) at("known-note").hidden = true;
  }

  /** Behind which message to ask: those up to it will not change any more. The service goes by their ids. */
  #settled() {
    let [last, unsettled] = [null, null];
    for (const { id, settled } of this.#ordered) {
      if (!settled && (unsettled === null || id < unsettled)) unsettled = id;
    }
    for (const { id } of this.#ordered) {
      if ((unsettled === null || id < unsettled) && (last === null || id > last)) last = id;
    }
    return last;
  }

  async #read(running) {
    const settled = this.#settled();
    const answer = await this.#page(settled, this.#tag?.after === settled ? this.#tag.value : null);
    if (!running()) return;
    // With a wrong time the service would have refused to answer.
    for (const card of this.#cards.values()) card.reconsider();
    if (answer.status === 304) return;
    let page = await answer.json();
    let more = this.#take(page.items);
    // A change behind a full page would not change the page's tag.
    this.#tag = page.items.length < FULL_PAGE ? { after: settled, value: answer.headers.get("ETag") } : null;
    while (more && running()) {
      page = await (await this.#page(page.next)).json();
      if (page.items.length) this.#tag = null;
      more = this.#take(page.items);
    }
    if (!running()) return;
    at("feed-empty").hidden = this.#cards.size > 0;
    this.#firstLook = false;
    this.#openWanted();
    this.#count();
  }

  #page(after, tag = null) {
    const query = after ? `?after=${encodeURIComponent(after)}` : "";
    return this.#device.answer("GET", "/mobile/v1/feed", { query, headers: tag ? { "If-None-Match": tag } : {} });
  }

  /** Show what was read. True where there may be more. */
  #take(items) {
    let fresh = items.length >= FULL_PAGE;
    for (const item of items) {
      const known = this.#cards.get(item.delivery_id);
      // Who has the digits before their eyes goes on reading them where they are now.
      if (known?.shown && item.sent_again_as) this.#wanted = item.sent_again_as;
      if (known) known.update(item);
      else this.#add(item);
      fresh ||= !known;
    }
    return fresh;
  }

  #add(item) {
    const card = new Card(item, this.#device, this.#now);
    this.#cards.set(item.delivery_id, card);
    this.#place(card);
    if (item.seen_at === null) this.#receipt(item.delivery_id, "received");
    if (card.unread) {
      card.element.dataset.delivery = item.delivery_id;
      this.#watcher.observe(card.element);
    }
    if (this.#firstLook) return;
    card.element.classList.add("fresh");
    at("announcement").textContent = say("arrived", { title: item.title });
    // The service itself speaks when it took the number away.
    if (item.product.id === null) this.#stateAskedAt = 0;
  }

  /** The newest is on top; one that comes late stands where it belongs. */
  #place(card) {
    let place = this.#ordered.length;
    while (place > 0 && this.#ordered[place - 1].isNewerThan(card)) place--;
    if (place === this.#ordered.length) at("items").prepend(card.element);
    else this.#ordered[place].element.after(card.element);
    this.#ordered.splice(place, 0, card);
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = target.dataset.delivery;
      clearTimeout(this.#inView.get(id));
      this.#inView.delete(id);
      if (isIntersecting) this.#inView.set(id, setTimeout(() => this.#readBy(id, target), READ_MS));
    }
  }

  #readBy(id, element) {
    this.#watcher.unobserve(element);
    this.#cards.get(id)?.markSeen(new Date(this.#now()).toISOString());
    this.#receipt(id, "seen");
    this.#count();
  }

  #receipt(id, event) {
    const moment = new Date(this.#now()).toISOString();
    this.#receipts.set(`${event} ${id}`, { delivery_id: id, event, at: moment });
  }

  async #tellReceipts() {
    while (this.#receipts.size) {
      const some = [...this.#receipts].slice(0, RECEIPTS);
      if (!(await this.#told(some))) {
        // One that is refused must not hold up the others. Perhaps it is refused because the number is gone.
        this.#stateAskedAt = 0;
        for (const one of some) {
          if (this.#receipts.has(one[0])) await this.#told([one]);
          this.#receipts.delete(one[0]);
        }
      }
      for (const [name] of some) this.#receipts.delete(name);
    }
  }

  /** False where the service knows one of the messages no more: none of the receipts is written then. */
  async #told(some) {
    const receipts = some.map(([, receipt]) => receipt);
    try {
      await this.#device.call("POST", "/mobile/v1/receipts", { body: { receipts } });
      return true;
    } catch (problem) {
      if (problem.code !== "not_found") throw problem;
      return false;
    }
  }

  #openWanted() {
    let card = this.#cards.get(this.#wanted);
    // The notification of an earlier message may still lie on the phone.
    while (card?.sentAgainAs) card = this.#cards.get((this.#wanted = card.sentAgainAs));
    if (!card) return;
    this.#wanted = null;
    card.element.scrollIntoView({ block: "nearest" });
    card.reveal();
  }

  #count() {
    badge([...this.#cards.values()].filter((card) => card.unread || card.open).length);
  }

  async #askState(running) {
    this.#stateAskedAt = Date.now();
    const state = await this.#device.state();
    if (!state.bound && running()) this.#onUnbound(state.ended);
  }
}

/** How many wait to be read, on the app's icon where the phone shows such a number. */
function badge(count) {
  const done = count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.();
  done?.catch(() => undefined);
}
