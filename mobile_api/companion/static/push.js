// Web push: whether the phone may show notifications while the app is closed, and its address for them.

const PUBLIC_KEY = /^[\w-]{80,100}$/;

export class WebPush {
  #key;
  #registration;

  /** `key`: the service's public key for web push, or nothing where it sends none. */
  constructor(key) {
    this.#key = PUBLIC_KEY.test(key ?? "") ? key : null;
  }

  /** The service worker that shows what is pushed; without one there is no web push. */
  use(registration) {
    this.#registration = registration ?? null;
  }

  get possible() {
    return Boolean(this.#key && this.#registration?.pushManager && globalThis.Notification);
  }

  /** `granted`, `denied`, `default` (not asked yet), or `impossible`. */
  get state() {
    return this.possible ? Notification.permission : "impossible";
  }

  /** Ask the person. Gives the new state. */
  async ask() {
    if (this.state === "default") await Notification.requestPermission();
    return this.state;
  }

  /** The address of this browser at its push service, or null where there is none. */
  async subscription() {
    if (this.state !== "granted") return null;
    const manager = this.#registration.pushManager;
    const key = bytes(this.#key);
    const kept = await manager.getSubscription();
    if (kept && same(kept.options.applicationServerKey, key)) return kept;
    await kept?.unsubscribe();
    return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }
}

function bytes(base64url) {
  const letters = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function same(buffer, other) {
  const given = new Uint8Array(buffer ?? []);
  return given.length === other.length && given.every((byte, index) => byte === other[index]);
}
