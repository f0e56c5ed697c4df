// <pushhub-panel secret="phs_…"></pushhub-panel>: binds the app to a number and has a code confirmed, in any page.
// It asks the service that this file came from. Until it can show something, the page sees what is inside the element.
import { look } from "./panel/own/look.js";
import { bindView, codeView, make, quietView, sendView, write } from "./panel/own/parts.js";
import { Service, wordsIn } from "./panel/own/talk.js";

const HOME = new URL(import.meta.url).origin;
const LANGUAGES = ["kk", "ru", "en"];
const SOON = 2_000;
const HIDDEN = 15_000;
/** So long without an answer before a person is told. */
const PATIENCE = 20_000;
/** Refusals after which there is nothing to wait for. */
const LAST = ["panel_over", "origin_refused"];

class PushhubPanel extends HTMLElement {
  static observedAttributes = ["secret", "lang", "service"];

  #root = this.attachShadow({ mode: "open" });
  #secret = "";
  #service = null;
  #texts = null;
  #state = null;
  #kind = "";
  #view = null;
  #note = make("p", { class: "note", part: "status", role: "status" });
  #place = make("div", { class: "view" });
  /** What was seen already, so that each event is told once. */
  #told = new Set();
  /** The service found nobody to send to although it had looked as if: the app has to be bound first. */
  #unreachable = false;
  #busy = false;
  #asking = false;
  /** Counts what was done, so that an older answer doesn't overwrite a newer one. */
  #turn = 0;
  #silentSince = 0;
  #next = 0;
  #clock = 0;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = look;
    this.#root.append(make("slot"));
  }

  connectedCallback() {
    if (Object.hasOwn(this, "secret")) {
      // Set before this file was there.
      const { secret } = this;
      delete this.secret;
      this.secret = secret;
    }
    document.addEventListener("visibilitychange", this.#awake);
    this.#begin();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#awake);
    this.#rest();
  }

  attributeChangedCallback(name, before, value) {
    if (name === "secret" && value !== null) {
      this.removeAttribute("secret");
      this.secret = value;
    } else if (name !== "secret" && before !== value && this.isConnected) this.#begin();
  }

  /** The panel's secret. It can be set, also anew once it has ended, and not be read. */
  set secret(value) {
    this.#secret = String(value ?? "");
    this.#told.clear();
    if (this.isConnected) this.#begin();
  }

  get secret() {
    return "";
  }

  // Asking, again and again.

  #begin() {
    this.#rest();
    this.#service = this.#secret ? new Service(this.#address, this.#secret) : null;
    this.#state = this.#texts = this.#view = null;
    this.#kind = "";
    this.#unreachable = this.#busy = this.#asking = false;
    this.#silentSince = Date.now();
    this.#root.replaceChildren(make("slot"));
    if (!this.#service) return;
    this.#clock = setInterval(() => this.#draw(), 500);
    this.#look();
  }

  #rest() {
    clearTimeout(this.#next);
    clearInterval(this.#clock);
    this.#service = null;
  }

  #awake = () => {
    if (!document.hidden && this.#service) this.#look();
  };

  get #address() {
    return (this.getAttribute("service") || HOME).replace(/\/+$/, "");
  }

  get #language() {
    const wanted = (this.getAttribute("lang") ?? "").slice(0, 2).toLowerCase();
    return LANGUAGES.includes(wanted) ? wanted : (this.#state?.locale ?? "ru");
  }

  /** The page around it has its own words for what to do. */
  get #bare() {
    return this.hasAttribute("bare");
  }

  async #look() {
    if (this.#asking || this.#busy) return;
    clearTimeout(this.#next);
    const service = this.#service;
    const turn = this.#turn;
    let wait = 0;
    this.#asking = true;
    try {
      const state = await service.look();
      if (service !== this.#service) return;
      await this.#learnWords(state);
      // What was asked for before something was done may be older than what that has answered.
      if (service === this.#service && turn === this.#turn) this.#show(state);
    } catch (problem) {
      if (service !== this.#service) return;
      this.#silentSince ||= Date.now();
      wait = problem.wait ?? 0;
      if (LAST.includes(problem.code)) await this.#end(problem.code);
    }
    if (service !== this.#service) return;
    this.#asking = false;
    this.#later(Math.max(wait * 1000, document.hidden ? HIDDEN : SOON));
  }

  #later(wait) {
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#look(), wait);
  }

  async #learnWords(state = null) {
    this.#state ??= state;
    const texts = await wordsIn(this.#address, this.#language);
    this.#texts ??= texts;
  }

  /** Have something done that a person asked for. */
  async #act(what, body) {
    if (this.#busy || !this.#service) return;
    const service = this.#service;
    this.#turn += 1;
    this.#busy = true;
    this.#view.hint("");
    this.#place.setAttribute("aria-busy", "true");
    try {
      const state = await service.have(what, body);
      if (service !== this.#service) return;
      if (what === "send") this.#unreachable = false;
      this.#show(state);
      if (what === "send" || what === "resend") this.#tell("sent");
      if (state.valid === false && state.verification.status === "pending")
        this.#view.hint(this.#say("attempts", { left: state.verification.attempts_left }));
    } catch (problem) {
      if (service === this.#service) await this.#refused(problem);
    } finally {
      if (service === this.#service) {
        this.#busy = false;
        this.#later(SOON);
      }
      this.#place.removeAttribute("aria-busy");
    }
  }

  async #refused({ code = "other", document: { reason, retry_at: until } = {} }) {
    if (LAST.includes(code)) return this.#end(code);
    if (code === "number_unreachable") {
      this.#unreachable = true;
      this.#busy = false;
      this.#show({ ...this.#state, way: null, reason: reason ?? this.#state.reason });
    } else {
      const name = `error.${code}` in this.#texts ? `error.${code}` : "error.other";
      const locale = this.#language === "kk" ? "ru" : this.#language;
      const when = until ? new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(until)) : "";
      this.#view.hint(this.#say(name, { when }));
    }
    this.#tell("error", { code });
  }

  /** There is nothing more to ask for with this secret. */
  async #end(code) {
    const service = this.#service;
    await this.#learnWords().catch(() => {});
    if (service !== this.#service) return;
    this.#rest();
    const over = code === "panel_over";
    if (this.#texts) {
      this.#put("over", quietView("warn", this.#say(over ? "over" : `error.${code}`)));
      this.#draw();
    }
    this.#tell(over ? "over" : "error", over ? {} : { code });
  }

  // Showing.

  #say = (name, values = {}) =>
    (this.#texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? (key === "number" ? this.#state?.number_masked : "") ?? "");

  #show(state) {
    this.#state = state;
    this.#silentSince = 0;
    const used = state.offer?.status === "used";
    if (used && !this.#told.has(state.offer.id)) this.#unreachable = false;
    const kind = this.#kindOf(state);
    if (kind !== this.#kind) this.#put(kind, this.#made(kind));
    this.#draw();
    if (used) this.#tellOnce("bound", state.offer.id);
    if (kind === "approved") this.#tellOnce("approved", state.id);
    if (kind === "approved" || kind === "bound") this.#rest();
    else if (kind === "bind" && (!state.offer || used)) this.#act("offer");
  }

  #kindOf({ status, purpose, way, may_bind: mayBind, offer, verification }) {
    if (status === "approved") return "approved";
    if (!purpose) return offer?.status === "used" ? "bound" : "bind";
    if (!this.#unreachable && verification && (way || verification.status === "pending")) return "code";
    if (!this.#unreachable && way) return "send";
    return mayBind ? "bind" : "closed";
  }

  #made(kind) {
    const quiet = { approved: ["good", "approved"], bound: ["good", "bound"], closed: ["warn", "why.closed"] }[kind];
    if (quiet) return quietView(quiet[0], this.#say(quiet[1]));
    const { left, now } = this.#service;
    return { bind: bindView, send: sendView, code: codeView }[kind]({
      say: this.#say,
      left,
      now,
      only: !this.#state.purpose,
      bare: this.#bare,
      target: this.getAttribute("target"),
      act: (what, body) => this.#act(what, body),
      mayRenew: () => this.#tell("renew"),
    });
  }

  #put(kind, view) {
    // Whoever was at work in here finds the next thing to do; whoever is elsewhere on the page stays there.
    const here = this.#root.activeElement !== null;
    this.#kind = kind;
    this.#view = view;
    this.#place.replaceChildren(view.element);
    if (!this.#place.isConnected) {
      const title = this.#say(this.#state && !this.#state.purpose ? "title.bind" : "title");
      const panel = make("div", { class: "panel", part: "panel", role: "group", "aria-label": title, lang: this.#language });
      if (!this.#bare) panel.append(make("p", { class: "title", part: "title" }, title));
      panel.append(this.#note, this.#place);
      this.#root.replaceChildren(panel);
      this.#tell("shown");
    }
    if (here) view.main?.focus({ preventScroll: true });
  }

  #draw() {
    if (!this.#view) return;
    const silent = this.#silentSince && Date.now() - this.#silentSince > PATIENCE;
    if (this.#service) this.#view.draw(this.#state);
    const [kind, words] = silent ? ["warn", this.#say("offline")] : this.#view.tell(this.#state);
    this.#note.className = `note ${kind}`;
    write(this.#note, words);
    const changes = this.#kind === "bind" && this.#state.offer?.password_changes_at;
    if (changes && !this.#silentSince && this.#service?.left(changes) === 0) this.#look();
  }

  // Telling the page.

  #tell(name, detail = {}) {
    const { id: panel = null, verification } = this.#state ?? {};
    const told = { panel, ...(verification && { verification: verification.id }), ...detail };
    return this.dispatchEvent(
      new CustomEvent(`pushhub:${name}`, { bubbles: true, composed: true, cancelable: name === "renew", detail: told }));
  }

  #tellOnce(name, about) {
    if (this.#told.has(about)) return;
    this.#told.add(about);
    this.#tell(name);
  }
}

if (!customElements.get("pushhub-panel")) customElements.define("pushhub-panel", PushhubPanel);
