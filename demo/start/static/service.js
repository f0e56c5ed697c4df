// What the cabinet asks of the service. Every call gives a document or throws a Problem.
import { learnTime } from "/design/page.js";

export class Problem extends Error {
  constructor(document) {
    super(document.code);
    this.document = document;
  }
}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(`/start${path}`, {
      method,
      headers: method === "POST" ? { "Content-Type": "application/json" } : {},
      body: method === "POST" ? JSON.stringify(body ?? {}) : undefined,
    });
  } catch {
    throw new Problem({ code: "offline" });
  }
  learnTime(response);
  const document = await response.json().catch(() => ({ code: "other" }));
  if (!response.ok) throw new Problem(document);
  return document;
}

export const ask = (number) => call("POST", "/verifications", { number });
export const look = (id) => call("GET", `/verifications/${id}`);
export const check = (id, code) => call("POST", `/verifications/${id}/check`, { code });
export const resend = (id) => call("POST", `/verifications/${id}/resend`);
export const offer = (number) => call("POST", "/offers", { number });
export const lookAtOffer = (id) => call("GET", `/offers/${id}`);
