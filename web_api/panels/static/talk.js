// Talking to the service: the panel's secret in a header, the service's time, refusals by their code.

/** The service said no (`code` of its problem document), or could not be reached (`offline`). */
export class Refusal extends Error {
  constructor(code, document = {}, wait = 0) {
    super(code);
    this.code = code;
    this.document = document;
    this.wait = wait;
  }
}

export class Service {
  #address;
  #secret;
  #offset = 0;

  constructor(address, secret) {
    this.#address = address;
    this.#secret = secret;
  }

  /** What the panel shows now. */
  look = () => this.#ask("GET", "state");
  /** Have something done; answers with what the panel shows after it. */
  have = (what, body) => this.#ask("POST", what, body);

  /** Whole seconds until a time of the service, by the service's clock. */
  left = (time) => Math.max(0, Math.ceil((Date.parse(time) - this.now()) / 1000));
  now = () => Date.now() + this.#offset;

  async #ask(method, what, body) {
    let response;
    try {
      response = await fetch(`${this.#address}/panel/v1/${what}`, {
        method,
        headers: { Authorization: `Bearer ${this.#secret}`, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(10_000),
      });
      this.#learnTime(response);
      const answer = await response.json();
      if (response.ok) return answer;
      throw new Refusal(answer.code ?? "other", answer, Number(response.headers.get("Retry-After") ?? 0));
    } catch (problem) {
      throw problem instanceof Refusal ? problem : new Refusal(response ? "other" : "offline");
    }
  }

  /** The header has whole seconds, so a difference within them is none. */
  #learnTime(response) {
    const difference = Date.parse(response.headers.get("Date") ?? "") + 500 - Date.now();
    if (difference) this.#offset = Math.abs(difference) > 1500 ? difference : 0;
  }
}

const words = new Map();

/** The panel's texts in one language, fetched once for all panels of the page. */
export function wordsIn(address, language) {
  const place = `${address}/panel/words-${language}.json`;
  if (!words.has(place)) {
    const fetched = fetch(place, { credentials: "omit", signal: AbortSignal.timeout(10_000) }).then((response) => {
      if (!response.ok) throw new Refusal("offline");
      return response.json();
    });
    fetched.catch(() => words.delete(place));
    words.set(place, fetched);
  }
  return words.get(place);
}
