// This browser as a device: binding it, letting its number go, what it says of itself.

import { language } from "/design/page.js";
import { newKey } from "./keys.js";
import { forgetDevice, keepDevice, loadDevice } from "./store.js";

const APP_VERSION = "1.0.0";

export class Device {
  #kept;
  #service;
  #config;

  static async open(service, config) {
    const device = new Device();
    device.#kept = await loadDevice();
    device.#service = service;
    device.#config = config;
    return device;
  }

  /** Whether it was ever bound; whether it still is, only the service knows. */
  get known() {
    return Boolean(this.#kept.secret);
  }

  /** One signed call (see `Service`). */
  call(method, path, options) {
    return this.#service.call(this.#kept, method, path, options);
  }

  answer(method, path, options) {
    return this.#service.answer(this.#kept, method, path, options);
  }

  /**
   * Bind by what was typed (`{number, password}`) or scanned (`{qr}`). A new key is made for it; only when the
   * service agrees does the device use it.
   */
  async bind(presented) {
    const key = await newKey();
    const body = { ...presented, device: this.#description(), consent_version: this.#config.consent.version };
    const made = await this.#service.call({ key }, "POST", "/mobile/v1/bindings", { body });
    this.#kept = { ...this.#kept, key, secret: made.device.secret };
    await keepDevice(this.#kept);
    return made.binding;
  }

  /** Whether it is bound, to which number, and if not any more, why. */
  state() {
    return this.call("GET", "/mobile/v1/binding");
  }

  /** Report address and language anew, as an app does when it starts. */
  report() {
    const body = { push_target: this.#pushTarget(), locale: language, app_version: APP_VERSION };
    return this.call("PUT", "/mobile/v1/device", { body });
  }

  /** Let the number go. */
  unbind() {
    return this.call("DELETE", "/mobile/v1/binding");
  }

  /** Become a phone that was never here, for trying out more. */
  async forget() {
    if (this.known) await this.unbind().catch(() => undefined);
    await forgetDevice();
    this.#kept = await loadDevice();
  }

  #description() {
    return {
      installation_id: this.#kept.installationId,
      platform: "web",
      model: browserName(),
      os_version: navigator.userAgentData?.platform || "web",
      app_version: APP_VERSION,
      locale: language,
      push_target: this.#pushTarget(),
    };
  }

  /** With simulated providers the push goes all the way to one; a browser has no address at a real FCM yet. */
  #pushTarget() {
    return this.#config.simulated_push ? { kind: "fcm_token", value: this.#kept.pushValue } : { kind: "poll" };
  }
}

function browserName() {
  const agent = navigator.userAgent;
  const names = [["Edg/", "Edge"], ["OPR/", "Opera"], ["YaBrowser/", "Yandex Browser"], ["Firefox/", "Firefox"],
    ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
  return names.find(([mark]) => agent.includes(mark))?.[1] ?? "Web";
}
