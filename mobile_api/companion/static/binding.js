// The screens on the way to a binding: number and consent, then QR code or password.

import { inGroups, language, maskNumber, plainNumber, prettyNumber, say } from "/design/page.js";
import { cleanAddress, isOurLink, isSomeLink } from "./links.js";
import { onlyDigits, passwordFits } from "./password.js";
import { at, complain, enter, forgetWayBack, leave, once, sayRefusal, showMask, showScreen, tell } from "./screens.js";
import { NoStorage } from "./store.js";

/** So many digits the shortest numbers have; which of them exist, the service knows. */
const LONG_ENOUGH = /^\+(7\d{10}|[1-689]\d{7,14})$/;
const UNFINISHED = "pushhub.phone.number";
const KAZAKH_NUMBER = "+7 (7__) ___-__-__";
const PASSWORD = "___ ___ ___ ___";

export class BindingScreens {
  #device;
  #on;
  #number = null;
  #qr = null;
  /** The number that the phone has all the while, where it came here by a QR code's link. */
  #boundTo = null;
  #scan = null;
  #drawNumber;
  #drawPassword;

  /** `on`: what follows: `bound(binding)`, `cancelled()`, `noStorage()`. */
  constructor({ device, on }) {
    this.#device = device;
    this.#on = on;
    maskNumber(at("number"));
    this.#drawNumber = showMask(at("number"), (typed) => (/^(\+7|$)/.test(typed.trim()) ? KAZAKH_NUMBER : ""));
    this.#drawPassword = showMask(at("password"), (typed) => (typed === inGroups(typed) ? PASSWORD : ""));
    at("password").addEventListener("input", () => this.#typed());
    at("password").addEventListener("paste", (event) => this.#pasted(event));
    once(at("number-form"), "submit", () => this.#numberGiven());
    once(at("password-form"), "submit", () => this.#passwordGiven());
    once(at("scan"), "click", () => this.#startScan());
    at("scan-back").addEventListener("click", leave);
    at("other-number").addEventListener("click", leave);
    at("qr-cancel").addEventListener("click", () => {
      cleanAddress();
      sessionStorage.removeItem(UNFINISHED);
      this.#on.cancelled();
    });
  }

  /** Ask for the number; what was typed before a reload is still there. */
  begin({ focus = false, boundTo = null } = {}) {
    this.#qr = null;
    this.#boundTo = boundTo;
    cleanAddress();
    this.#clean();
    at("number").value = prettyNumber(sessionStorage.getItem(UNFINISHED) ?? "");
    this.#drawNumber();
    sessionStorage.removeItem(UNFINISHED);
    this.#showConsent({ focus });
  }

  /** Go on where a reload interrupted; false where there was nothing under way. */
  resume() {
    const number = sessionStorage.getItem(UNFINISHED);
    if (!number) return false;
    this.#number = number;
    this.#enterPassword({ focus: false });
    return true;
  }

  /** Ask for consent only: the number is the one behind the QR code. */
  beginWithQr(link, { boundTo = null } = {}) {
    this.#clean();
    this.#qr = link;
    this.#boundTo = boundTo;
    this.#showConsent({ focus: false });
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
    at("consent-text").textContent = this.#device.config.consent.texts[language];
    at("qr-cancel").hidden = this.#boundTo === null;
    this.#showField();
    showScreen("number", options);
  }

  /** Whose number it is, a QR code's link says, or the person. */
  #showField() {
    at("number-field").hidden = this.#qr !== null;
    at("qr-found").hidden = this.#qr === null;
  }

  #enterPassword(options) {
    enter(() => this.begin({ focus: true, boundTo: this.#boundTo }));
    this.#askPassword(options);
  }

  #askPassword(options) {
    at("password-number").textContent = prettyNumber(this.#number);
    at("password").value = "";
    this.#drawPassword();
    complain(at("password"), at("password-error"));
    tell(at("password-problem"));
    tell(at("scan-problem"));
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
      this.#enterPassword({ focus: true });
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

  /** The camera is used on its own screen, whose script comes only when it is wanted. */
  async #startScan() {
    tell(at("scan-problem"));
    try {
      this.#scan ??= await import("./scan.js");
    } catch {
      return tell(at("scan-problem"), sayRefusal({ code: "offline" }));
    }
    enter(() => {
      this.#scan.stop();
      showScreen("password", { focus: true });
    });
    showScreen("scan", { focus: true });
    await this.#scan.start((text) => this.#scanned(text));
  }

  /** What the camera or a photo gave. Returns words for the screen where it is not ours and scanning goes on. */
  #scanned(text) {
    if (!isOurLink(text, this.#device.config.app_link)) return say("error.qr_not_understood");
    leave().then(() => this.#bind({ qr: text.trim(), number: this.#number }, at("scan-problem")));
    return "";
  }

  async #bind(presented, place) {
    tell(place);
    this.#offerNewPhone(false);
    try {
      const binding = await this.#device.bind(presented);
      sessionStorage.removeItem(UNFINISHED);
      this.#qr = null;
      forgetWayBack();
      cleanAddress();
      this.#on.bound(binding);
    } catch (problem) {
      if (problem instanceof NoStorage) return this.#on.noStorage();
      // The page brings the new conditions when it is loaded anew.
      if (problem.code === "consent_outdated") sessionStorage.removeItem(UNFINISHED);
      tell(place, problem.code === "offline" ? say("no_answer") : sayRefusal(problem));
      if (problem.code === "offer_not_accepted" && presented.qr === this.#qr) this.#forgetLink();
      if (presented.password) at("password-hint").textContent = ""; // that the digits fit would contradict it
      place.scrollIntoView({ block: "nearest" });
      this.#offerNewPhone(problem.code === "rebind_too_soon" && this.#device.config.simulated_push);
    }
  }

  /** The link that opened the app is of no use any more; number and password may be. */
  #forgetLink() {
    this.#qr = null;
    cleanAddress();
    at("number").value = "";
    this.#drawNumber();
    this.#showField();
  }

  #typed() {
    const input = at("password");
    // Someone who corrects a digit in the middle keeps the caret there.
    if (input.selectionEnd === input.value.length) input.value = inGroups(onlyDigits(input.value).slice(0, 12));
    this.#drawPassword();
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

  /** Somebody may have the QR code's link as a text. */
  #pasted(event) {
    const text = event.clipboardData?.getData("text").trim() ?? "";
    if (!isSomeLink(text)) return;
    event.preventDefault();
    if (isOurLink(text, this.#device.config.app_link)) this.#bind({ qr: text, number: this.#number }, at("password-problem"));
    else tell(at("password-problem"), say("error.qr_not_understood"));
  }

  #offerNewPhone(shown) {
    for (const place of document.querySelectorAll("[data-new-phone-offer]")) place.hidden = !shown;
  }
}
