// This browser as a device: binding it, letting its number go, what it says of itself.

import { language } from "/design/page.js";
import { newKey } from "./keys.js";
import { changeDevice, forgetDevice, loadDevice, readDevice } from "./store.js";

export const APP_VERSION = "1.1.0";
/** Set where the device was bound, in another drawer than the key: if only the key is gone, it can be told. */
const WAS_BOUND = "pushhub.phone.was-bound";

export class Device {
  #kept;
  #service;
  #config;
  #reported = Promise.resolve();
  /** Other windows of this browser are the same device. */
  #others = "BroadcastChannel" in globalThis ? new BroadcastChannel("pushhub-phone") : null;

  /** Raises `NoStorage`. */
  static async open(service) {
    const device = new Device();
    device.#kept = await loadDevice();
    device.#service = service;
    return device;
  }

  /** The service's conditions: those just read, or those of the last visit where it can't be reached. */
  get config() {
    return this.#config ?? this.#kept.config ?? null;
  }

  async learn(config) {
    this.#config = config;
    this.#kept = await changeDevice({ config });
  }

  /** Whether it was ever bound; whether it still is, only the service knows. */
  get known() {
    return Boolean(this.#kept.secret && this.#kept.key);
  }

  /** The binding as it was when the service was last asked, with that time as `known_at`; or null. */
  get lastBinding() {
    return this.#kept.binding ?? null;
  }

  /** Whether the browser threw away the key of a device that was bound. */
  get lost() {
    return !this.known && localStorage.getItem(WAS_BOUND) !== null;
  }

  /** Another window has bound, unbound or forgotten this device. */
  onChangedElsewhere(react) {
    this.#others?.addEventListener("message", react);
  }

  /** One signed call (see `Service`). */
  async call(method, path, options) {
    const answer = await this.answer(method, path, options);
    return answer.status === 200 || answer.status === 201 ? answer.json() : null;
  }

  async answer(method, path, options) {
    try {
      return await this.#service.answer(this.#kept, method, path, options);
    } catch (problem) {
      if (problem.code !== "bad_device_secret") throw problem;
      // Perhaps another window has bound this device anew.
      const kept = await readDevice();
      if (!kept?.secret || kept.secret === this.#kept.secret) throw problem;
      this.#kept = kept;
      return this.#service.answer(kept, method, path, options);
    }
  }

  /**
   * Bind by what was typed (`{number, password}`) or scanned (`{qr}`, with `number` where one was typed). A new key
   * is made for it; only when the service agrees does the device use it. Until then it stays the same: where the
   * service agreed and the answer was lost, asking again with this key gives the binding that was made.
   */
  async bind(presented) {
    const key = this.#kept.nextKey ?? (await newKey());
    // Kept before it is used: a browser that can't keep it must not cost the person a password.
    this.#kept = await changeDevice({ nextKey: key });
    const body = { ...presented, device: this.#description(), consent_version: this.config.consent.version };
    const made = await this.#service.call({ key }, "POST", "/mobile/v1/bindings", { body });
    this.#kept = await changeDevice({
      key,
      nextKey: null,
      secret: made.device.secret,
      binding: this.#dated(made.binding),
    });
    localStorage.setItem(WAS_BOUND, "yes");
    // Asks the browser not to throw the key away when space runs low.
    navigator.storage?.persist?.().catch(() => undefined);
    this.#others?.postMessage("bound");
    return made.binding;
  }

  /** Whether it is bound, to which number, and if not any more, why. */
  async state() {
    const state = await this.call("GET", "/mobile/v1/binding");
    this.#kept = await changeDevice({ binding: state.binding && this.#dated(state.binding) });
    return state;
  }

  /**
   * Report address and language anew, as an app does when it starts. `subscription`: of web push, or null. One report
   * after the other: two under way at once could arrive in the other order, and the service would keep the older one.
   */
  report(subscription = null, allowed = null) {
    const report = () => this.#report(subscription, allowed);
    this.#reported = this.#reported.then(report, report);
    return this.#reported;
  }

  async #report(subscription, allowed) {
    const kept = { pushKind: subscription ? "webpush" : null, subscription: subscription && JSON.stringify(subscription) };
    this.#kept = await changeDevice(kept);
    const body = { push_target: this.#pushTarget(), locale: language, app_version: APP_VERSION };
    if (allowed !== null) body.notifications_allowed = allowed;
    return this.call("PUT", "/mobile/v1/device", { body });
  }

  /** Let the number go. */
  async unbind() {
    await this.call("DELETE", "/mobile/v1/binding");
    this.#kept = await changeDevice({ binding: null });
    localStorage.removeItem(WAS_BOUND);
    this.#others?.postMessage("unbound");
  }

  /** Become a phone that was never here, for trying out more. */
  async forget() {
    if (this.known) await this.unbind().catch(() => undefined);
    localStorage.removeItem(WAS_BOUND);
    await forgetDevice();
    this.#kept = await loadDevice();
    this.#others?.postMessage("forgotten");
  }

  #dated(binding) {
    return { ...binding, known_at: new Date(this.#service.now()).toISOString() };
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

  /**
   * Where pushes go: with simulated providers all the way to one; else to the browser's push service, where the
   * person allowed it; else nowhere, and the app asks for its feed itself.
   */
  #pushTarget() {
    if (this.config.simulated_push) return { kind: "fcm_token", value: this.#kept.pushValue };
    if (this.#kept.subscription) return { kind: "webpush", value: this.#kept.subscription };
    return { kind: "poll" };
  }
}

function browserName() {
  const agent = navigator.userAgent;
  const names = [["Edg/", "Edge"], ["OPR/", "Opera"], ["YaBrowser/", "Yandex Browser"], ["Firefox/", "Firefox"],
    ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
  return names.find(([mark]) => agent.includes(mark))?.[1] ?? "Web";
}
