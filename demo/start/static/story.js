// The cabinet's side of the story: ask → (bind →) confirm → done. Where it stands is kept in this tab, so a
// reload in the middle loses nothing.
import { maskNumber, plainNumber, say, sayProblem, showOnly } from "/design/page.js";
import { showBinding } from "./binding.js";
import { showConfirmation } from "./confirmation.js";
import { turnTo } from "./sides.js";
import { drawTimeline } from "./timeline.js";
import * as service from "./service.js";

const at = (id) => document.getElementById(id);
const parts = { ask: at("ask"), bind: at("bind"), confirm: at("confirm"), done: at("done") };
let stop = () => {};

function goTo(name, state, focus) {
  stop();
  stop = () => {};
  sessionStorage.setItem("story", JSON.stringify({ name, ...state }));
  showOnly(parts[name]);
  if (focus) at(focus).focus();
}

function begin() {
  goTo("ask", {}, "number");
  hint(at("number-hint"), at("number"), "");
}

function hint(place, input, text) {
  place.textContent = text;
  place.classList.toggle("bad", text !== "");
  input?.setAttribute("aria-invalid", String(text !== ""));
}

async function send(number, onRefusal, { offered = false } = {}) {
  try {
    confirm(await service.ask(number), number);
  } catch (problem) {
    const { document } = problem;
    if (document?.code !== "number_unreachable") return onRefusal(sayProblem(document ?? {}));
    // The offer that is shown is still good: a new one would make its password worthless.
    if (offered) return onRefusal(say("bind.not_yet"));
    try {
      bind(await service.offer(number), number, document.reason);
    } catch (second) {
      onRefusal(sayProblem(second.document ?? {}));
    }
  }
}

function bind(offer, number, reason) {
  goTo("bind", { number, offer: offer.id, reason });
  at("bind-lead").textContent = say(reason === "never_bound" ? "bind.lead" : "bind.again", { number: offer.number_masked });
  stop = showBinding(offer, {
    onSend: () => send(number, (text) => (at("bind-hint").textContent = text), { offered: at("renew").hidden }),
    onScan: (hash) => {
      const phone = document.querySelector(".phone iframe");
      phone.contentWindow.location.replace(`/app/bind/v1${hash}`);
      turnTo("phone");
    },
    onRenew: async () => {
      try {
        bind(await service.offer(number), number, reason);
      } catch (problem) {
        at("bind-hint").textContent = sayProblem(problem.document ?? {});
      }
    },
  });
}

function confirm(verification, number) {
  goTo("confirm", { number, verification: verification.id }, "code");
  stop = showConfirmation(verification, {
    onApproved: (last) => done(last),
    onAskAgain: () => send(number, (text) => hint(at("code-hint"), at("code"), text)),
  });
}

function done(verification) {
  goTo("done", { verification: verification.id });
  at("approved").textContent = say("approved", { number: verification.number_masked });
  drawTimeline(at("timeline-done"), verification);
  parts.done.querySelector("[data-begin]").focus();
}

async function resume() {
  const kept = JSON.parse(sessionStorage.getItem("story") ?? "{}");
  try {
    if (kept.name === "bind") return bind(await service.lookAtOffer(kept.offer), kept.number, kept.reason);
    if (kept.name === "confirm" || kept.name === "done") {
      const verification = await service.look(kept.verification);
      return verification.status === "approved" ? done(verification) : confirm(verification, kept.number);
    }
  } catch {
    // What was begun is over; the story begins anew.
  }
  showOnly(parts.ask);
}

maskNumber(at("number"));
parts.ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? parts.ask.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  hint(at("number-hint"), at("number"), "");
  await send(plainNumber(at("number").value), (text) => {
    hint(at("number-hint"), at("number"), text);
    at("number").focus();
  });
  button.disabled = false;
});
for (const button of document.querySelectorAll("[data-begin]")) button.addEventListener("click", begin);
resume();
