// Calls of `/mobile/v1`, signed with the device's key.

import { sayProblem } from "/design/page.js";
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

/** What went wrong, in the reader's words. */
export function sayRefusal(problem) {
  return sayProblem({ ...problem.body, code: problem.code ?? "other" });
}

const NO_SERVICE = { 502: "offline", 503: "busy", 504: "offline" };

export class Service {
  /** By how many milliseconds the service's clock is ahead of this phone's. */
  #ahead = 0;

  /** The service's time in milliseconds, as far as it is known. */
  now = () => Date.now() + this.#ahead;

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
    if (problem.code !== "bad_proof" || !problem.body.server_time) throw problem;
    this.#learn(problem.body.server_time);
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
    this.#ahead = Date.parse(serverTime) - Date.now();
  }
}

function accepted(answer) {
  return answer.ok || answer.status === 304;
}

async function send(path, options) {
  try {
    return await fetch(path, { ...options, signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Problem("offline");
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(body.code ?? NO_SERVICE[answer.status] ?? "other", answer.status, body);
}
