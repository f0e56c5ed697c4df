// The settings, and what is offered on the way: installing the app, being notified while it is closed.

import { dateAndTime, prettyNumber, say } from "/design/page.js";
import { APP_VERSION } from "./device.js";
import { at, enter, leave, once, sayRefusal, showScreen, tell } from "./screens.js";

const LATER = "pushhub.phone.install-later";

export class Settings {
  #device;
  #push;
  #now;
  #on;
  #installer;

  /** `installer.prompt`: the browser's offer to install. `on`: what follows: `closed()`, `unbound(ended)`. */
  constructor({ device, push, installer, now, on }) {
    this.#device = device;
    this.#push = push;
    this.#installer = installer;
    this.#now = now;
    this.#on = on;
    at("app-version").textContent = APP_VERSION;
    at("open-settings").addEventListener("click", () => this.#open());
    at("close-settings").addEventListener("click", leave);
    at("unbind").addEventListener("click", () => at("unbind-dialog").showModal());
    once(at("unbind-form"), "submit", (event) => this.#unbind(event.submitter.value));
    for (const button of document.querySelectorAll("[data-allow]")) once(button, "click", () => this.#allow());
    for (const button of document.querySelectorAll("[data-install]")) once(button, "click", () => this.#install());
  }

  /** Show this binding wherever the number stands. */
  show(binding) {
    at("feed-number").textContent = at("settings-number").textContent = prettyNumber(binding.number);
    at("feed-since").textContent = say("since", { when: dateAndTime(binding.bound_at) });
    const free = Date.parse(binding.rebind_allowed_at) <= this.#now();
    at("feed-rebind").textContent = free
      ? say("other_number_now")
      : say("other_number_from", { when: dateAndTime(binding.rebind_allowed_at) });
    this.refresh();
  }

  /** Say anew what the phone allows and what could be done. */
  refresh() {
    const state = this.#push.state;
    tell(at("push-state"), say(`push_${this.#device.config?.simulated_push ? "simulated" : state}`));
    const askable = state === "default";
    for (const button of document.querySelectorAll("[data-allow]")) button.hidden = !askable;
    at("allow-card").hidden = !askable;
    const installed = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
    const promptable = this.#installer.prompt !== null;
    for (const button of document.querySelectorAll("[data-install]")) button.hidden = !promptable;
    at("install-card").hidden = !promptable || installed || askable || localStorage.getItem(LATER) !== null;
    const onApple = /iPhone|iPad/.test(navigator.userAgent);
    tell(at("install-state"), say(installed ? "installed" : promptable ? "install_now" : onApple ? "install_apple" : "install_menu"));
    // Inside another page (the start page's phone) there is nothing to install.
    at("install-panel").hidden = globalThis.top !== globalThis;
  }

  #open() {
    tell(at("settings-problem"));
    this.refresh();
    enter(() => {
      at("unbind-dialog").close();
      this.#on.closed();
    });
    showScreen("settings", { focus: true });
  }

  async #unbind(answer) {
    at("unbind-dialog").close();
    if (answer !== "yes") return;
    try {
      await this.#device.unbind();
      await leave();
      this.#on.unbound((await this.#device.state()).ended);
    } catch (problem) {
      tell(at("settings-problem"), sayRefusal(problem));
    }
  }

  async #allow() {
    const state = await this.#push.ask();
    this.refresh();
    const subscription = await this.#push.subscription().catch(() => null);
    await this.#device.report(subscription, state === "granted").catch(() => undefined);
  }

  async #install() {
    const { prompt } = this.#installer;
    this.#installer.prompt = null;
    await prompt?.prompt();
    const choice = await prompt?.userChoice;
    if (choice?.outcome !== "accepted") localStorage.setItem(LATER, "yes");
    this.refresh();
  }
}
