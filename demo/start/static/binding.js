// "This number has no app yet": QR code, password with its countdown, and noticing by itself that it was bound.
import { inGroups, minutes, say, sayProblem, secondsUntil } from "/design/page.js";
import { lookAtOffer } from "./service.js";
import { pointTo } from "./sides.js";

const at = (id) => document.getElementById(id);

/** Show an offer and keep it fresh. Returns what stops it. */
export function showBinding(first, { onSend, onRenew, onScan }) {
  let offer = first;
  let asked = Date.now();
  let running = true;
  at("bind-hint").textContent = "";
  at("qr").src = offer.qr?.svg ?? "";
  at("send-again").onclick = onSend;
  at("renew").onclick = onRenew;
  at("scan").onclick = () => onScan(new URL(offer.qr.link).hash);
  let lost = false;

  function draw() {
    const pending = offer.status === "pending";
    const bound = offer.status === "used";
    if (offer.password) at("password").textContent = inGroups(offer.password);
    at("offer").hidden = !pending && !bound;
    at("offer").classList.toggle("used", bound);
    at("qr").hidden = at("keys").hidden = !pending;
    at("password-life").max = offer.step_seconds;
    at("password-life").value = pending ? secondsUntil(offer.password_changes_at) : 0;
    at("password-changes").textContent = pending
      ? say("password.changes", { seconds: secondsUntil(offer.password_changes_at) })
      : "";
    at("offer-life").textContent = pending ? say("offer.life", { time: minutes(secondsUntil(offer.expires_at)) }) : "";
    at("renew").hidden = pending || bound;
    if (!pending && !bound) at("bind-hint").textContent = say(offer.reason === "too_many_tries" ? "offer.guessed" : "offer.over");
    if (bound && at("bound").hidden) {
      at("bound").textContent = say("bound", { number: offer.number_masked });
      at("bound").hidden = false;
      at("bind-hint").textContent = "";
      pointTo("site", offer.id);
      // Whoever is just reading on the phone beside is left there.
      if (document.activeElement?.tagName !== "IFRAME") at("send-again").focus();
    } else if (!bound) at("bound").hidden = true;
  }

  async function refresh() {
    if (offer.status !== "pending") return;
    const due = secondsUntil(offer.password_changes_at) === 0 || Date.now() - asked > 1500;
    if (!due) return;
    asked = Date.now();
    try {
      const fresh = await lookAtOffer(offer.id);
      if (!running) return;
      offer = fresh;
      if (lost) at("bind-hint").textContent = "";
      lost = false;
    } catch (problem) {
      if (!running) return;
      lost = true;
      at("bind-hint").textContent = sayProblem(problem.document ?? {});
    }
  }

  draw();
  const timer = setInterval(async () => {
    await refresh();
    if (running) draw();
  }, 500);
  return () => {
    running = false;
    clearInterval(timer);
  };
}
