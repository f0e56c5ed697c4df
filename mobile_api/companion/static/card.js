// One message in the feed.

import { dayAndTime, minutes, say } from "/design/page.js";
import { countdown } from "./countdown.js";
import { at, once, sayRefusal, tell } from "./screens.js";

const PARTS = ["mark", "title", "time", "unread", "from", "body", "show", "code", "digits", "copy", "left", "life", "over", "problem"];

/** A message may come so much later than others that were made after it: committed late, or by a slow clock. */
const LATE_MS = 60_000;

export class Card {
  #item;
  #device;
  #now;
  #parts;
  #stop = () => {};
  /** Whether the service gave no digits: that is its last word. */
  #refused = false;

  constructor(item, device, now) {
    this.#item = item;
    this.#device = device;
    this.#now = now;
    this.element = at("item-template").content.firstElementChild.cloneNode(true);
    this.#parts = Object.fromEntries(
      PARTS.map((name) => [name, this.element.querySelector(`[data-part="${name}"]`)]),
    );
    this.#fill();
  }

  /** Whether it may still change: a code that can be used, and that no newer message has. */
  get open() {
    const { code_status: status, expires_at: expires } = this.#item;
    return status === "pending" && !this.#refused && !this.sentAgainAs && Date.parse(expires) > this.#now();
  }

  /** Whether it will not change any more, and none that belongs before it can still come. */
  get settled() {
    return !this.open && Date.parse(this.#item.created_at) <= this.#now() - LATE_MS;
  }

  get id() {
    return this.#item.delivery_id;
  }

  /** Whether it stands above the other one. */
  isNewerThan(other) {
    const [mine, its] = [this.#item, other.#item].map((item) => Date.parse(item.created_at));
    return mine === its ? this.id > other.id : mine > its;
  }

  /** The newer message with the same code, if there is one. */
  get sentAgainAs() {
    return this.#item.sent_again_as ?? null;
  }

  /** Whether the digits are on the screen. */
  get shown() {
    return !this.#parts.code.hidden;
  }

  get unread() {
    return this.#item.kind !== "code" && this.#item.seen_at === null;
  }

  /** Take what the service says of it now. */
  update(item) {
    const before = this.#item;
    // The receipt of what was read may still be on its way.
    this.#item = { ...item, seen_at: item.seen_at ?? before.seen_at };
    this.#parts.unread.hidden = !this.unread;
    const changed = item.code_status !== before.code_status || item.sent_again_as !== before.sent_again_as;
    if (item.kind === "code" && changed) this.#state();
  }

  /**
   * The service's time is known for certain now: a code that was over only by a wrong clock is open again. A phone's
   * clock may jump at any moment; until the service is asked, its time is wrong by that much.
   */
  reconsider() {
    if (this.element.dataset.over && this.open) this.#state();
  }

  /** The person has read it. */
  markSeen(moment) {
    this.#item = { ...this.#item, seen_at: moment };
    this.#parts.unread.hidden = true;
  }

  dispose() {
    this.#stop();
  }

  #fill() {
    const { title, body, product, created_at: created, kind } = this.#item;
    const parts = this.#parts;
    this.element.dataset.kind = kind;
    parts.mark.textContent = product.name.slice(0, 1).toUpperCase();
    parts.title.textContent = title;
    tell(parts.from, title === product.name ? "" : product.name);
    parts.body.textContent = kind === "code" ? say("code_here") : body;
    parts.time.textContent = dayAndTime(created, this.#now());
    parts.time.dateTime = created;
    parts.unread.hidden = !this.unread;
    if (kind !== "code") return;
    once(parts.show, "click", () => this.reveal());
    once(parts.copy, "click", () => this.#copy());
    parts.life.max = Math.max(1, (Date.parse(this.#item.expires_at) - Date.parse(created)) / 1000);
    this.#state();
  }

  #state() {
    const parts = this.#parts;
    if (!this.open) return this.#over(this.#end());
    for (const part of [parts.body, parts.left, parts.life]) part.hidden = false;
    parts.show.hidden = this.shown;
    tell(parts.over);
    delete this.element.dataset.over;
    this.#stop();
    this.#stop = countdown(this.#item.expires_at, this.#now, (left) => this.#timeLeft(left));
  }

  /** What is to be said of a code that is of no more use here. What became of it is told once, by its newest message. */
  #end() {
    if (this.sentAgainAs) return "code_again";
    return this.#item.code_status === "approved" ? "code_used" : "code_over";
  }

  /** Show the digits. With this the service knows that the phone has the code, and lets it be checked. */
  async reveal() {
    if (!this.open || this.shown) return;
    tell(this.#parts.problem);
    const id = this.#item.delivery_id;
    try {
      const opened = await this.#device.call("GET", `/mobile/v1/deliveries/${id}`);
      if (!this.open) return; // sent again meanwhile
      this.#refused = !opened.code;
      if (this.#refused) return this.#over("code_over");
      this.#showDigits(opened.code);
      const receipt = { delivery_id: id, event: "seen", at: new Date(this.#now()).toISOString() };
      await this.#device.call("POST", "/mobile/v1/receipts", { body: { receipts: [receipt] } });
    } catch (problem) {
      tell(this.#parts.problem, sayRefusal(problem));
    }
  }

  /** In groups for the eye only: what is copied and read is the code. */
  #showDigits(code) {
    const { digits } = this.#parts;
    const size = code.length % 3 === 0 ? 3 : 2;
    const groups = code.match(new RegExp(`.{1,${size}}`, "g")).map((group) => {
      const part = document.createElement("span");
      part.textContent = group;
      return part;
    });
    digits.replaceChildren(...groups);
    digits.setAttribute("aria-label", say("your_code", { code: [...code].join(" ") }));
    this.#parts.code.hidden = false;
    this.#parts.show.hidden = true;
    digits.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
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
    this.#parts.life.value = left;
    if (left === 0) this.#over("code_over");
  }

  /** The code is of no more use: its digits go, too. */
  #over(words) {
    const parts = this.#parts;
    this.#stop();
    if (parts.code.contains(document.activeElement)) at("items").closest("section").querySelector("h1").focus();
    parts.digits.replaceChildren();
    parts.digits.removeAttribute("aria-label");
    for (const part of [parts.code, parts.show, parts.body, parts.left, parts.life]) part.hidden = true;
    tell(parts.problem);
    tell(parts.over, say(words));
    parts.over.dataset.used = String(words === "code_used");
    this.element.dataset.over = "true";
  }
}
