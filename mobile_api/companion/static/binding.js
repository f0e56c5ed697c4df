// The screens on the way to a binding: number and consent, password or QR link.

import { inGroups, language, maskNumber, plainNumber, prettyNumber, say } from "/design/page.js";
import { onlyDigits, passwordFits } from "./password.js";
import { at, complain, once, showScreen, tell } from "./screens.js";
import { sayRefusal } from "./service.js";

/** So many digits the shortest numbers have; which of them exist, the service knows. */
const LONG_ENOUGH = /^\+(7\d{10}|[1-689]\d{7,14})$/;
const UNFINISHED = "pushhub.phone.number";
/** The link in a QR code names its host by https even where this machine serves it by http. */
const QR_LINK = /^https?:\/\/\S+\/v1#[\w-]{22}$/;

export class BindingScreens {
  #device;
  #config;
  #onBound;
  #onForget;
  #number = null;
  #qr = null;

  constructor({ device, config, onBound, onForget, onCancel }) {
    this.#device = device;
    this.#config = config;
    this.#onBound = onBound;
    this.#onForget = onForget;
    at("consent-text").textContent = config.consent.texts[language];
    maskNumber(at("number"));
    at("password").addEventListener("input", () => this.#typed());
    at("password").addEventListener("paste", (event) => this.#pasted(event));
    once(at("number-form"), "submit", () => this.#numberGiven());
    once(at("password-form"), "submit", () => this.#passwordGiven());
    at("other-number").addEventListener("click", () => this.begin({ focus: true }));
    at("qr-cancel").addEventListener("click", () => {
      leaveLink();
      onCancel();
    });
    for (const button of document.querySelectorAll("[data-new-phone]")) once(button, "click", () => this.#onForget());
  }

  /** Ask for the number; what was typed before a reload is still there. */
  begin({ focus = false } = {}) {
    this.#qr = null;
    leaveLink();
    this.#clean();
    at("number").value = prettyNumber(sessionStorage.getItem(UNFINISHED) ?? "");
    sessionStorage.removeItem(UNFINISHED);
    this.#showConsent({ focus });
  }

  /** Go on where a reload interrupted; false where there was nothing under way. */
  resume() {
    const number = sessionStorage.getItem(UNFINISHED);
    if (!number) return false;
    this.#number = number;
    this.#askPassword({ focus: false });
    return true;
  }

  /** Ask for consent only: the number is the one behind the QR code. */
  beginWithQr(link, { boundTo = null } = {}) {
    this.#clean();
    this.#qr = link;
    this.#showConsent({ focus: false });
    at("qr-cancel").hidden = boundTo === null;
  }

  #clean() {
    for (const [input, place] of [["number", "number-error"], ["consent", "consent-error"]]) {
      complain(at(input), at(place));
    }
    tell(at("number-problem"));
    at("consent").checked = false;
    this.#offerNewPhone(false);
  }

  #showConsent(options) {
    at("number-field").hidden = this.#qr !== null;
    at("qr-found").hidden = this.#qr === null;
    at("qr-cancel").hidden = true;
    showScreen("number", options);
  }

  #askPassword(options) {
    at("password-number").textContent = prettyNumber(this.#number);
    at("password").value = "";
    complain(at("password"), at("password-error"));
    tell(at("password-problem"));
    this.#offerNewPhone(false);
    this.#hint();
    showScreen("password", options);
  }

  async #numberGiven() {
    const number = this.#qr === null ? plainNumber(at("number").value) : null;
    const agreed = at("consent").checked;
    tell(at("number-problem"));
    complain(at("consent"), at("consent-error"), agreed ? "" : say("consent_missing"));
    if (this.#qr === null) complain(at("number"), at("number-error"), LONG_ENOUGH.test(number) ? "" : say("number_incomplete"));
    if (!agreed) return;
    if (this.#qr !== null) {
      await this.#bind({ qr: this.#qr }, at("number-problem"));
    } else if (LONG_ENOUGH.test(number)) {
      this.#number = number;
      sessionStorage.setItem(UNFINISHED, number);
      this.#askPassword({ focus: true });
    }
  }

  async #passwordGiven() {
    const digits = onlyDigits(at("password").value);
    if (!passwordFits(digits)) {
      const left = 12 - digits.length;
      complain(at("password"), at("password-error"), left ? say("password_unfinished", { left }) : say("password_mistyped"));
      return;
    }
    complain(at("password"), at("password-error"));
    await this.#bind({ number: this.#number, password: digits }, at("password-problem"));
  }

  async #bind(presented, place) {
    tell(place);
    this.#offerNewPhone(false);
    try {
      const binding = await this.#device.bind(presented);
      sessionStorage.removeItem(UNFINISHED);
      this.#qr = null;
      leaveLink();
      this.#onBound(binding);
    } catch (problem) {
      // The page brings the new conditions when it is loaded anew.
      if (problem.code === "consent_outdated") sessionStorage.removeItem(UNFINISHED);
      tell(place, sayRefusal(problem));
      place.scrollIntoView({ block: "nearest" });
      this.#offerNewPhone(problem.code === "rebind_too_soon" && this.#config.simulated_push);
    }
  }

  #typed() {
    const input = at("password");
    // Someone who corrects a digit in the middle keeps the caret there.
    if (input.selectionEnd === input.value.length) input.value = inGroups(onlyDigits(input.value).slice(0, 12));
    this.#hint();
  }

  /** What the check digits say, before anything is sent. */
  #hint() {
    const digits = onlyDigits(at("password").value);
    const hint = at("password-hint");
    const fits = passwordFits(digits);
    hint.dataset.state = fits ? "good" : digits.length === 12 ? "bad" : "open";
    hint.textContent = fits ? say("password_fits")
      : digits.length === 12 ? say("password_mistyped")
      : say("password_unfinished", { left: 12 - digits.length });
    if (digits.length < 12 || fits) complain(at("password"), at("password-error"));
  }

  #pasted(event) {
    const text = event.clipboardData?.getData("text").trim() ?? "";
    if (!QR_LINK.test(text)) return;
    event.preventDefault();
    this.#bind({ qr: text.replace(/^http:/, "https:") }, at("password-problem"));
  }

  #offerNewPhone(shown) {
    for (const place of document.querySelectorAll("[data-new-phone-offer]")) place.hidden = !shown;
  }
}

/** The link of the QR code with which this page was opened, or null. */
export function linkOfAddress() {
  const { host, pathname, hash } = location;
  const link = `https://${host}${pathname}${hash}`;
  return QR_LINK.test(link) ? link : null;
}

/** Take the secret of a used or declined QR code out of the address bar and the history. */
function leaveLink() {
  if (location.pathname !== "/app") history.replaceState(null, "", "/app");
}
