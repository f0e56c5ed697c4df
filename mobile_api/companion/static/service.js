// Calls of `/mobile/v1`, signed with the device's key. The service worker uses it too, so nothing here needs a page.

import { proof } from "./keys.js";

/** The service refused; `code` is stable (RFC 9457), `offline` where it was not reached. */
export class Problem extends Error {
  constructor(code, status = 0, body = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.body = body;
  }
}

const NO_SERVICE = { 502: "offline", 503: "busy", 504: "offline" };
/** Less than this is the way of the answer and whole seconds, not a wrong clock. */
const WRONG_CLOCK_MS = 60_000;

export class Service {
  /** By how many milliseconds the service's clock is ahead of this phone's. */
  #ahead = 0;
  #onClock;

  /** `onClock` is called whenever the service's time was learnt. */
  constructor({ onClock = () => undefined } = {}) {
    this.#onClock = onClock;
  }

  /** The service's time in milliseconds, as far as it is known. */
  now = () => Date.now() + this.#ahead;

  /** By how much this phone's clock is behind (negative: fast), in milliseconds; 0 where it is right. */
  get clockOff() {
    return Math.abs(this.#ahead) > WRONG_CLOCK_MS ? this.#ahead : 0;
  }

  /** What the app asks first; needs no key. */
  async config() {
    const answer = await send("/mobile/v1/config", {});
    if (!answer.ok) throw await problemOf(answer);
    const config = await answer.json();
    this.#learn(config.server_time);
    return config;
  }

  /** One signed call. Gives the document of the answer, or null where there is none (204, 304). */
  async call(device, method, path, options = {}) {
    const answer = await this.answer(device, method, path, options);
    return answer.status === 200 || answer.status === 201 ? answer.json() : null;
  }

  /** The same, giving the answer itself. A wrong phone clock is put right by the service's and tried once more. */
  async answer(device, method, path, options = {}) {
    const first = await this.#signed(device, method, path, options);
    if (accepted(first)) return first;
    const problem = await problemOf(first);
    const serverTime = problem.body.server_time ?? first.headers.get("Date");
    if (problem.code !== "bad_proof" || !serverTime) throw problem;
    this.#learn(serverTime);
    const second = await this.#signed(device, method, path, options);
    if (accepted(second)) return second;
    throw await problemOf(second);
  }

  async #signed({ key, secret }, method, path, { body, query = "", headers = {} }) {
    const seconds = Math.floor(this.now() / 1000);
    const sent = { ...headers, DPoP: await proof(key, method, location.origin + path, seconds, secret) };
    if (secret) sent.Authorization = `DPoP ${secret}`;
    if (body) sent["Content-Type"] = "application/json";
    return send(path + query, { method, headers: sent, body: body && JSON.stringify(body) });
  }

  #learn(serverTime) {
    const ahead = Date.parse(serverTime) - Date.now();
    if (!Number.isFinite(ahead)) return;
    this.#ahead = ahead;
    this.#onClock();
  }
}

function accepted(answer) {
  return answer.ok || answer.status === 304;
}

async function send(path, options) {
  try {
    return await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Problem("offline");
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(body.code ?? NO_SERVICE[answer.status] ?? "other", answer.status, body);
}
