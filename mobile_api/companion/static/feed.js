// The feed: what was sent to this device, newest on top, and codes opened by a tap.

import { minutes, say, timeOnly } from "/design/page.js";
import { countdown } from "./countdown.js";
import { at, once, tell } from "./screens.js";
import { sayRefusal } from "./service.js";

const EVERY_MS = 2000;
const STATE_EVERY_MS = 15000;

export class Feed {
  #device;
  #now;
  #onUnbound;
  #cards = new Map();
  #after = null;
  #etag = null;
  #timer = null;
  #stateAskedAt = 0;
  #firstPage = true;

  constructor({ device, now, onUnbound }) {
    this.#device = device;
    this.#now = now;
    this.#onUnbound = onUnbound;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#timer !== null) this.#next(0);
    });
  }

  /** Show the feed and keep it fresh while the page is visible. */
  start() {
    if (this.#timer === null) this.#next(0);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    for (const card of this.#cards.values()) card.dispose();
    this.#cards.clear();
    at("items").replaceChildren();
    this.#after = this.#etag = null;
    this.#firstPage = true;
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
      while (running() && (await this.#readPage(running)));
      this.#firstPage = false;
      if (running() && Date.now() - this.#stateAskedAt > STATE_EVERY_MS) await this.#askState(running);
      if (running()) tell(at("feed-problem"));
    } catch (problem) {
      if (!running()) return;
      if (problem.status === 401 && problem.code === "bad_device_secret") this.#onUnbound({ reason: "unknown" });
      else tell(at("feed-problem"), sayRefusal(problem));
    }
  }

  /** One page after the last that was read. True where there may be more. */
  async #readPage(running) {
    const query = this.#after ? `?after=${encodeURIComponent(this.#after)}` : "";
    const headers = this.#etag ? { "If-None-Match": this.#etag } : {};
    const answer = await this.#device.answer("GET", "/mobile/v1/feed", { query, headers });
    if (answer.status === 304 || !running()) return false;
    const page = await answer.json();
    this.#etag = page.items.length ? null : answer.headers.get("ETag");
    this.#after = page.next;
    for (const item of page.items) this.#add(item);
    at("feed-empty").hidden = this.#cards.size > 0;
    await this.#acknowledge(page.items);
    return page.items.length > 0;
  }

  #add(item) {
    if (this.#cards.has(item.delivery_id)) return;
    const card = new Card(item, this.#device, this.#now);
    this.#cards.set(item.delivery_id, card);
    at("items").prepend(card.element);
    if (this.#firstPage) return;
    card.element.classList.add("fresh");
    at("announcement").textContent = say("arrived", { title: item.title });
    // The service itself speaks when it took the number away.
    if (item.product.id === null) this.#stateAskedAt = 0;
  }

  async #acknowledge(items) {
    const at = new Date(this.#now()).toISOString();
    const receipts = items
      .filter((item) => item.seen_at === null)
      .map((item) => ({ delivery_id: item.delivery_id, event: item.kind === "code" ? "received" : "seen", at }));
    if (receipts.length) await this.#device.call("POST", "/mobile/v1/receipts", { body: { receipts } });
  }

  async #askState(running) {
    this.#stateAskedAt = Date.now();
    const state = await this.#device.state();
    if (!state.bound && running()) this.#onUnbound(state.ended);
  }
}

/** One message. */
class Card {
  #item;
  #device;
  #now;
  #parts;
  #stops = [];

  constructor(item, device, now) {
    this.#item = item;
    this.#device = device;
    this.#now = now;
    this.element = at("item-template").content.firstElementChild.cloneNode(true);
    const part = (name) => this.element.querySelector(`[data-part="${name}"]`);
    this.#parts = Object.fromEntries(
      ["mark", "title", "time", "body", "show", "code", "digits", "left", "copy", "over", "problem"].map(
        (name) => [name, part(name)],
      ),
    );
    this.#fill();
  }

  dispose() {
    for (const stop of this.#stops) stop();
  }

  #fill() {
    const { title, body, product, created_at: created, kind } = this.#item;
    const parts = this.#parts;
    parts.mark.textContent = product.name.slice(0, 1).toUpperCase();
    parts.title.textContent = title;
    parts.body.textContent = kind === "code" ? say("code_here") : body;
    parts.time.textContent = timeOnly(created);
    parts.time.dateTime = created;
    if (kind !== "code") return;
    once(parts.show, "click", () => this.#open());
    once(parts.copy, "click", () => this.#copy());
    parts.show.hidden = false;
    this.#stops.push(countdown(this.#item.expires_at, this.#now, (left) => this.#timeLeft(left)));
  }

  async #open() {
    tell(this.#parts.problem);
    const id = this.#item.delivery_id;
    try {
      const opened = await this.#device.call("GET", `/mobile/v1/deliveries/${id}`);
      if (!opened.code) return this.#over();
      this.#parts.digits.textContent = opened.code;
      this.#parts.digits.setAttribute("aria-label", say("your_code", { code: [...opened.code].join(" ") }));
      this.#parts.code.hidden = false;
      this.#parts.show.hidden = true;
      this.#parts.digits.focus();
      const receipt = { delivery_id: id, event: "seen", at: new Date(this.#now()).toISOString() };
      await this.#device.call("POST", "/mobile/v1/receipts", { body: { receipts: [receipt] } });
    } catch (problem) {
      tell(this.#parts.problem, sayRefusal(problem));
    }
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#parts.digits.textContent);
      this.#parts.copy.textContent = say("copied");
    } catch {
      this.#parts.copy.textContent = say("not_copied");
    }
    setTimeout(() => (this.#parts.copy.textContent = say("copy")), 3000);
  }

  #timeLeft(left) {
    this.#parts.left.textContent = say("time_left", { time: minutes(left) });
    if (left === 0) this.#over();
  }

  /** The code is of no more use: its digits go, too. */
  #over() {
    const parts = this.#parts;
    this.dispose();
    parts.digits.textContent = "";
    parts.code.hidden = parts.show.hidden = true;
    parts.body.hidden = true;
    tell(parts.over, say("code_over"));
  }
}
